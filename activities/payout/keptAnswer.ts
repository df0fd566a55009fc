const bigintMark = 'minor:';

/** What a gateway said, as text for the content store: amounts stay there and do not travel (money.md 7.2). */
export function writeKept(answer: unknown): string {
  return JSON.stringify(answer, (_key, value: unknown) =>
    typeof value === 'bigint' ? `${bigintMark}${value.toString()}` : value,
  );
}

/** The same, read back. The caller knows what it kept. */
export function readKept<T>(text: string): T {
  return JSON.parse(text, (_key, value: unknown) =>
    typeof value === 'string' && value.startsWith(bigintMark) ? BigInt(value.slice(bigintMark.length)) : value,
  ) as T;
}
