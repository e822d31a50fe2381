"""Google Analytics 4: what gtag.js sends (`gtag`), the Measurement Protocol (`mp`) and its validation (`check`)."""
