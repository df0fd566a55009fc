/** Words that the server sends a person back with from a sign-in by the company's provider; each has a sentence. */
const words = [
  'not_enabled',
  'expired',
  'cancelled',
  'provider_failed',
  'no_email',
  'no_role',
  'removed',
  'other_person',
  'beyond_groups',
  'not_fresh',
] as const;

/** The word of this page's address; null: none, or one that nobody of ours wrote. */
export function providerProblem(search: string = window.location.search): (typeof words)[number] | null {
  const word = new URLSearchParams(search).get('problem');
  return words.find((one) => one === word) ?? null;
}
