// E-mail addresses and phone numbers in one form each: e1 and p1 of tracker/core/identifiers.py, before hashing.

const EMAIL = /^[^\s@]{1,64}@[^\s@]+\.[^\s@.]{2,}$/;

export function email(text: string): string | undefined {
  const plain = text.trim().toLowerCase();
  return EMAIL.test(plain) ? plain : undefined; // with white space inside it has no form e1
}

/** What is dialled before a national number and not from abroad, where it is not a zero: Italy keeps its zero. */
const TRUNK: Record<string, RegExp | undefined> = { "39": /^$/, "378": /^$/, "7": /^8(?=\d{10}$)/ };

/** E.164; a national number needs the site's own calling code. */
export function phone(text: string, code?: string): string | undefined {
  let digits = text.replace(/\D/g, "");
  const whole = text.trim();
  if (/^00/.test(whole)) digits = digits.slice(2);
  else if (whole[0] != "+") {
    if (!code) return undefined;
    digits = code + digits.replace(TRUNK[code] || /^0/, "");
  }
  // +49 (0)30 …: the trunk zero is not dialled from abroad
  digits = whole[0] == "+" ? digits.replace(/^(\d{1,3})0(?=\d)/, (all, lead) => (/\(0\)/.test(whole) ? lead : all)) : digits;
  return digits.length > 6 && digits.length < 16 ? "+" + digits : undefined;
}
