// German texts of the widgets.

import type * as en from "./en";

export const survey: typeof en.survey = {
  close: "Schließen",
  nps: "Wie wahrscheinlich ist es, dass Sie uns weiterempfehlen?",
  npslow: "Sehr unwahrscheinlich",
  npshigh: "Sehr wahrscheinlich",
  csat: "Wie zufrieden sind Sie mit uns?",
  csatlow: "Sehr unzufrieden",
  csathigh: "Sehr zufrieden",
  comment: "Warum? (freiwillig)",
  send: "Senden",
  missing: "Bitte wählen Sie eine Antwort.",
  thanks: "Vielen Dank für Ihre Antwort.",
};

export const feedback: typeof en.feedback = {
  close: "Schließen",
  title: "Ihr Feedback",
  topic: "Worum geht es?",
  idea: "Eine Idee",
  problem: "Ein Problem",
  praise: "Ein Lob",
  other: "Etwas anderes",
  text: "Ihre Nachricht",
  missing: "Bitte schreiben Sie eine Nachricht.",
  rating: "Wie gefällt Ihnen diese Seite? (freiwillig)",
  low: "Gar nicht",
  high: "Sehr gut",
  email: "E-Mail-Adresse (freiwillig)",
  why: "Nur, wenn Sie eine Antwort möchten.",
  wrong: "Bitte prüfen Sie die E-Mail-Adresse.",
  send: "Senden",
  thanks: "Vielen Dank. Ihre Nachricht wurde gesendet.",
  refused: "Ihre Datenschutz-Auswahl erlaubt uns nicht, Nachrichten von dieser Seite zu empfangen.",
  change: "Auswahl ändern",
};

export const callback: typeof en.callback = {
  close: "Schließen",
  title: "Wir rufen Sie zurück",
  phone: "Telefonnummer",
  abroad: "Mit Ländervorwahl, zum Beispiel +49 30 …",
  wrong: "Bitte prüfen Sie die Telefonnummer.",
  time: "Wann dürfen wir anrufen?",
  soon: "So bald wie möglich",
  zone: "Zeiten in {zone}.",
  send: "Rückruf anfordern",
  thanks: "Vielen Dank. Wir rufen Sie an.",
  refused: "Ihre Datenschutz-Auswahl erlaubt uns nicht, Anfragen von dieser Seite zu empfangen.",
  change: "Auswahl ändern",
};

export const banner: typeof en.banner = {
  close: "Schließen",
  title: "Ihre Privatsphäre",
  text: "Mit Ihrer Einwilligung messen wir, wie diese Seite genutzt wird, und zeigen Ihnen passende Werbung. Sie können Ihre Auswahl jederzeit ändern.",
  textonly: "Mit Ihrer Einwilligung messen wir, wie diese Seite genutzt wird. Sie können Ihre Auswahl jederzeit ändern.",
  policy: "Datenschutzerklärung",
  reject: "Ablehnen",
  accept: "Zustimmen",
  choose: "Auswählen",
  save: "Auswahl speichern",
  analytics: "Nutzung der Seite messen",
  ads: "Werbung auf anderen Seiten",
  gpc: "Ihr Browser bittet darum, Ihre Daten nicht zu verkaufen oder zu teilen (Global Privacy Control). Wir halten uns daran: keine Werbung.",
};

export const optout: typeof en.optout = {
  close: "Schließen",
  title: "Widerspruch berücksichtigt",
  text: "Wir verkaufen oder teilen Ihre personenbezogenen Daten nicht.",
};
