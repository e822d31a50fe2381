// Arabic texts of the widgets.

import type * as en from "./en";

export const survey: typeof en.survey = {
  close: "إغلاق",
  nps: "ما مدى احتمال أن توصي بنا لصديق أو زميل؟",
  npslow: "غير محتمل إطلاقًا",
  npshigh: "محتمل جدًا",
  csat: "ما مدى رضاك عنا؟",
  csatlow: "غير راضٍ إطلاقًا",
  csathigh: "راضٍ جدًا",
  comment: "لماذا؟ (اختياري)",
  send: "إرسال",
  missing: "يرجى اختيار إجابة.",
  thanks: "شكرًا على إجابتك.",
};

export const feedback: typeof en.feedback = {
  close: "إغلاق",
  title: "رأيك",
  topic: "ما الموضوع؟",
  idea: "فكرة",
  problem: "مشكلة",
  praise: "إشادة",
  other: "شيء آخر",
  text: "رسالتك",
  missing: "يرجى كتابة رسالة.",
  rating: "هل يعجبك هذا الموقع؟ (اختياري)",
  low: "إطلاقًا",
  high: "كثيرًا",
  email: "البريد الإلكتروني (اختياري)",
  why: "فقط إذا كنت تريد ردًا.",
  wrong: "يرجى التحقق من البريد الإلكتروني.",
  send: "إرسال",
  thanks: "شكرًا. تم إرسال رسالتك.",
  refused: "اختيارك للخصوصية لا يسمح لنا باستلام رسائل من هذه الصفحة.",
  change: "تغيير اختياري",
};

export const callback: typeof en.callback = {
  close: "إغلاق",
  title: "سنعاود الاتصال بك",
  phone: "رقم الهاتف",
  abroad: "مع رمز البلد، مثل ‎+971 4 …",
  wrong: "يرجى التحقق من رقم الهاتف.",
  time: "متى يمكننا الاتصال؟",
  soon: "في أقرب وقت ممكن",
  zone: "الأوقات بتوقيت {zone}.",
  send: "طلب اتصال",
  thanks: "شكرًا. سنتصل بك.",
  refused: "اختيارك للخصوصية لا يسمح لنا باستلام طلبات من هذه الصفحة.",
  change: "تغيير اختياري",
};

export const banner: typeof en.banner = {
  close: "إغلاق",
  title: "خصوصيتك",
  text: "بموافقتك نقيس كيفية استخدام هذا الموقع ونعرض لك إعلانات مناسبة. يمكنك تغيير اختيارك في أي وقت.",
  textonly: "بموافقتك نقيس كيفية استخدام هذا الموقع. يمكنك تغيير اختيارك في أي وقت.",
  policy: "سياسة الخصوصية",
  reject: "رفض",
  accept: "قبول",
  choose: "اختيار",
  save: "حفظ الاختيار",
  analytics: "قياس استخدام الموقع",
  ads: "إعلانات على مواقع أخرى",
  gpc: "يطلب متصفحك عدم بيع بياناتك أو مشاركتها (Global Privacy Control). نحن نلتزم بذلك: لا إعلانات.",
};

export const optout: typeof en.optout = {
  close: "إغلاق",
  title: "تم تنفيذ طلب الاعتراض",
  text: "نحن لا نبيع معلوماتك الشخصية ولا نشاركها.",
};
