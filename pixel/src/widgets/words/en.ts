// English texts of the widgets: part of each widget's own file, and what stands in where a language's file does not come.
// {zone} is the time zone of the times. The opt-out's title is the one that California's rules give as an example.

export const survey = {
  close: "Close",
  nps: "How likely are you to recommend us to a friend or colleague?",
  npslow: "Not at all likely",
  npshigh: "Very likely",
  csat: "How satisfied are you with us?",
  csatlow: "Very dissatisfied",
  csathigh: "Very satisfied",
  comment: "Why? (optional)",
  send: "Send",
  missing: "Please choose an answer.",
  thanks: "Thank you for your answer.",
};

export const feedback = {
  close: "Close",
  title: "Your feedback",
  topic: "What is it about?",
  idea: "An idea",
  problem: "A problem",
  praise: "Praise",
  other: "Something else",
  text: "Your message",
  missing: "Please write a message.",
  rating: "How do you like this site? (optional)",
  low: "Not at all",
  high: "Very much",
  email: "E-mail address (optional)",
  why: "Only if you would like an answer.",
  wrong: "Please check the e-mail address.",
  send: "Send",
  thanks: "Thank you. Your message has been sent.",
  refused: "Your privacy choice does not let us receive messages from this page.",
  change: "Change my choice",
};

export const callback = {
  close: "Close",
  title: "We call you back",
  phone: "Phone number",
  abroad: "With country code, like +44 20 …",
  wrong: "Please check the phone number.",
  time: "When may we call?",
  soon: "As soon as possible",
  zone: "Times in {zone}.",
  send: "Request a call",
  thanks: "Thank you. We will call you.",
  refused: "Your privacy choice does not let us receive requests from this page.",
  change: "Change my choice",
};

export const banner = {
  close: "Close",
  title: "Your privacy",
  text: "With your consent we measure how this site is used and show you fitting advertisements. You can change your choice at any time.",
  textonly: "With your consent we measure how this site is used. You can change your choice at any time.",
  policy: "Privacy policy",
  reject: "Reject",
  accept: "Accept",
  choose: "Choose",
  save: "Save choice",
  analytics: "Measure how the site is used",
  ads: "Advertisements on other sites",
  gpc: "Your browser asks us not to sell or share your data (Global Privacy Control). We honour that: no advertisements.",
};

export const optout = {
  close: "Close",
  title: "Opt-Out Request Honored",
  text: "We do not sell or share your personal information.",
};
