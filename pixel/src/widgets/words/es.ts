// Spanish texts of the widgets.

import type * as en from "./en";

export const survey: typeof en.survey = {
  close: "Cerrar",
  nps: "¿Qué probabilidad hay de que nos recomiende a un amigo o colega?",
  npslow: "Nada probable",
  npshigh: "Muy probable",
  csat: "¿Qué tan satisfecho está con nosotros?",
  csatlow: "Muy insatisfecho",
  csathigh: "Muy satisfecho",
  comment: "¿Por qué? (opcional)",
  send: "Enviar",
  missing: "Elija una respuesta.",
  thanks: "Gracias por su respuesta.",
};

export const feedback: typeof en.feedback = {
  close: "Cerrar",
  title: "Su opinión",
  topic: "¿De qué se trata?",
  idea: "Una idea",
  problem: "Un problema",
  praise: "Un elogio",
  other: "Otra cosa",
  text: "Su mensaje",
  missing: "Escriba un mensaje.",
  rating: "¿Le gusta este sitio? (opcional)",
  low: "Nada",
  high: "Mucho",
  email: "Correo electrónico (opcional)",
  why: "Solo si desea una respuesta.",
  wrong: "Revise el correo electrónico.",
  send: "Enviar",
  thanks: "Gracias. Su mensaje se ha enviado.",
  refused: "Su elección de privacidad no nos permite recibir mensajes desde esta página.",
  change: "Cambiar mi elección",
};

export const callback: typeof en.callback = {
  close: "Cerrar",
  title: "Le llamamos",
  phone: "Número de teléfono",
  abroad: "Con prefijo del país, por ejemplo +34 91 …",
  wrong: "Revise el número de teléfono.",
  time: "¿Cuándo podemos llamar?",
  soon: "Lo antes posible",
  zone: "Horas en {zone}.",
  send: "Solicitar llamada",
  thanks: "Gracias. Le llamaremos.",
  refused: "Su elección de privacidad no nos permite recibir solicitudes desde esta página.",
  change: "Cambiar mi elección",
};

export const banner: typeof en.banner = {
  close: "Cerrar",
  title: "Su privacidad",
  text: "Con su consentimiento medimos el uso de este sitio y le mostramos publicidad adecuada. Puede cambiar su elección en cualquier momento.",
  textonly: "Con su consentimiento medimos el uso de este sitio. Puede cambiar su elección en cualquier momento.",
  policy: "Política de privacidad",
  reject: "Rechazar",
  accept: "Aceptar",
  choose: "Elegir",
  save: "Guardar elección",
  analytics: "Medir el uso del sitio",
  ads: "Publicidad en otros sitios",
  gpc: "Su navegador pide que no vendamos ni compartamos sus datos (Global Privacy Control). Lo respetamos: sin publicidad.",
};

export const optout: typeof en.optout = {
  close: "Cerrar",
  title: "Solicitud de exclusión atendida",
  text: "No vendemos ni compartimos sus datos personales.",
};
