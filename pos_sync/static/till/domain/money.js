// Reais as integer cents: reading and writing the Brazilian way, rounding half up. Answers as tests/wire/money.json says.

export const MOST_CENTS = 10 ** 12;

const SHAPE = /^(?<minus>-?)\s*(?:R\$)?\s*(?<minus2>-?)(?<whole>[1-9]\d{0,2}(?:\.\d{3})+|\d+)(?:,(?<cents>\d{1,2}))?$/;

export class InvalidAmount extends Error {
  /** @param {string} code `invalid_amount` or `amount_too_large` */
  constructor(code) {
    super(code);
    this.code = code;
  }
}

/** Read an amount as a Brazilian types it ("1.234,56", "R$ 10") and give its cents; throws InvalidAmount. */
export function parseBRL(text) {
  const found = SHAPE.exec(text.trim().replace(/\u00a0/g, " "));
  if (!found || (found.groups.minus && found.groups.minus2)) throw new InvalidAmount("invalid_amount");
  const { minus, minus2, whole, cents = "" } = found.groups;
  const digits = whole.replaceAll(".", "") + cents.padEnd(2, "0");
  if (digits.replace(/^0+/, "").length > 13 || Number(digits) > MOST_CENTS) throw new InvalidAmount("amount_too_large");
  return (minus || minus2) && Number(digits) ? -Number(digits) : Number(digits);
}

/** Write cents as "1.234,56". */
export function formatBRL(cents) {
  const digits = String(Math.abs(cents)).padStart(3, "0");
  const whole = digits.slice(0, -2).replace(/\B(?=(\d{3})+(?!\d))/g, ".");
  return `${cents < 0 ? "-" : ""}${whole},${digits.slice(-2)}`;
}

/** Divide two BigInts, neither negative, and give the nearest whole Number, halves up. */
export function halfUp(numerator, denominator) {
  return Number((2n * numerator + denominator) / (2n * denominator));
}

/** Read a decimal string ("0.0334") as the pair of BigInts of its fraction. */
export function fraction(decimal) {
  const [whole, places = ""] = decimal.split(".");
  return [BigInt(whole + places), 10n ** BigInt(places.length)];
}
