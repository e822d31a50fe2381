// What a shop adds to its pages: the pixel's queue, its events, its consent banner. Served from the shop's own host.
window.jt = window.jt || function () { (window.jt.q = window.jt.q || []).push(arguments); };

(function () {
  "use strict";

  // The server wrote what this page has to tell, the visitor's choice first.
  JSON.parse(document.getElementById("journey").textContent).forEach(function (call) { window.jt.apply(null, call); });

  function show(who) {
    var text = document.getElementById("who");
    text.textContent = who.visitor
      ? "You are visitor " + who.visitor.slice(0, 8) + (who.user ? ", customer " + who.user : "") +
        (who.consent.ads ? ". You allowed statistics and advertising." : ". You allowed statistics, not advertising.")
      : who.consent.analytics === false ? "Nothing. You refused, and nothing is stored or sent."
      : "Nothing yet. You have not chosen, so nothing is stored or sent.";
  }

  document.addEventListener("DOMContentLoaded", function () {
    var banner = document.getElementById("banner");
    window.jt("ready", show);

    banner.querySelector("form").addEventListener("submit", function (event) {
      event.preventDefault();
      var choice = event.submitter.value;
      document.cookie = "shop_consent=" + choice + "; path=/; max-age=15552000; samesite=lax";
      window.jt("consent", { analytics: choice !== "none", ads: choice === "all" });
      window.jt("ready", show);
      banner.hidden = true;
    });
    document.getElementById("choices").addEventListener("click", function () {
      banner.hidden = false;
      banner.querySelector("button").focus();
    });

    // A form may carry an event that happens when it is sent; a chosen value is added under its own name.
    document.querySelectorAll("form[data-journey]").forEach(function (form) {
      form.addEventListener("submit", function () {
        var call = JSON.parse(form.dataset.journey), chosen = form.querySelector("input[type=radio]:checked");
        if (form.dataset.journeyField && chosen) call[1][form.dataset.journeyField] = chosen.value;
        if (form.elements.quantity) call[1].items[0].quantity = +form.elements.quantity.value;
        window.jt.apply(null, call);
      });
    });
  });
})();
