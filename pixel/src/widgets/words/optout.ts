// Texts of the note about an opt-out. The English title is the one that California's rules give as an example.

export const WORDS = {
  en: { close: "Close", title: "Opt-Out Request Honored", text: "We do not sell or share your personal information." },
  de: { close: "Schließen", title: "Widerspruch berücksichtigt", text: "Wir verkaufen oder teilen Ihre personenbezogenen Daten nicht." },
  fr: { close: "Fermer", title: "Demande d’opposition respectée", text: "Nous ne vendons ni ne partageons vos données personnelles." },
  es: { close: "Cerrar", title: "Solicitud de exclusión atendida", text: "No vendemos ni compartimos sus datos personales." },
  ru: { close: "Закрыть", title: "Ваш отказ учтён", text: "Мы не продаём и не передаём ваши персональные данные." },
  hi: { close: "बंद करें", title: "ऑप्ट-आउट अनुरोध स्वीकार किया गया", text: "हम आपकी व्यक्तिगत जानकारी न बेचते हैं, न साझा करते हैं।" },
  ar: { close: "إغلاق", title: "تم تنفيذ طلب الاعتراض", text: "نحن لا نبيع معلوماتك الشخصية ولا نشاركها." },
};
