// French texts of the widgets.

import type * as en from "./en";

export const survey: typeof en.survey = {
  close: "Fermer",
  nps: "Quelle est la probabilité que vous nous recommandiez à un proche ?",
  npslow: "Pas du tout probable",
  npshigh: "Très probable",
  csat: "Êtes-vous satisfait de nos services ?",
  csatlow: "Très insatisfait",
  csathigh: "Très satisfait",
  comment: "Pourquoi ? (facultatif)",
  send: "Envoyer",
  missing: "Veuillez choisir une réponse.",
  thanks: "Merci pour votre réponse.",
};

export const feedback: typeof en.feedback = {
  close: "Fermer",
  title: "Votre avis",
  topic: "De quoi s’agit-il ?",
  idea: "Une idée",
  problem: "Un problème",
  praise: "Un compliment",
  other: "Autre chose",
  text: "Votre message",
  missing: "Veuillez écrire un message.",
  rating: "Ce site vous plaît-il ? (facultatif)",
  low: "Pas du tout",
  high: "Beaucoup",
  email: "Adresse e-mail (facultatif)",
  why: "Seulement si vous souhaitez une réponse.",
  wrong: "Veuillez vérifier l’adresse e-mail.",
  send: "Envoyer",
  thanks: "Merci. Votre message a été envoyé.",
  refused: "Votre choix de confidentialité ne nous permet pas de recevoir de messages depuis cette page.",
  change: "Modifier mon choix",
};

export const callback: typeof en.callback = {
  close: "Fermer",
  title: "Nous vous rappelons",
  phone: "Numéro de téléphone",
  abroad: "Avec l’indicatif du pays, par exemple +33 1 …",
  wrong: "Veuillez vérifier le numéro de téléphone.",
  time: "Quand pouvons-nous appeler ?",
  soon: "Dès que possible",
  zone: "Heures : {zone}.",
  send: "Demander un appel",
  thanks: "Merci. Nous vous appellerons.",
  refused: "Votre choix de confidentialité ne nous permet pas de recevoir de demandes depuis cette page.",
  change: "Modifier mon choix",
};

export const banner: typeof en.banner = {
  close: "Fermer",
  title: "Votre vie privée",
  text: "Avec votre accord, nous mesurons l’utilisation de ce site et vous proposons des publicités adaptées. Vous pouvez modifier votre choix à tout moment.",
  textonly: "Avec votre accord, nous mesurons l’utilisation de ce site. Vous pouvez modifier votre choix à tout moment.",
  policy: "Politique de confidentialité",
  reject: "Refuser",
  accept: "Accepter",
  choose: "Choisir",
  save: "Enregistrer mon choix",
  analytics: "Mesure de l’utilisation du site",
  ads: "Publicité sur d’autres sites",
  gpc: "Votre navigateur nous demande de ne pas vendre ni partager vos données (Global Privacy Control). Nous le respectons : pas de publicité.",
};

export const optout: typeof en.optout = {
  close: "Fermer",
  title: "Demande d’opposition respectée",
  text: "Nous ne vendons ni ne partageons vos données personnelles.",
};
