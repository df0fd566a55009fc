import type { LocalDate } from '../time.js';

/** How many days ahead the end of an affiliate's API user is spoken of, the earlier first (LED-06). */
export const keyWarningDays = [14, 3] as const;

/** What an affiliate reads before its API user ends, in its language. `day`: from its midnight on calls are refused. */
export function endingKeyText(
  language: string | null,
  of: { readonly name: string; readonly day: LocalDate },
): { readonly subject: string; readonly body: string } {
  const { subject, body } = language === 'de' ? german : english;
  const fill = (text: string): string => text.replaceAll('{name}', () => of.name).replaceAll('{day}', () => of.day);
  return { subject: fill(subject), body: fill(body) };
}

const english = {
  subject: 'The API user {name} ends on {day}',
  body: 'From {day} on, calls of the API user “{name}” are refused and bring no leads. Ask us for a later date: then the same key goes on working.',
};

const german = {
  subject: 'Der API-Zugang {name} endet am {day}',
  body: 'Ab dem {day} werden Aufrufe des API-Zugangs „{name}“ abgelehnt und bringen keine Leads. Bitten Sie uns um ein späteres Datum: dann arbeitet derselbe Schlüssel weiter.',
};
