/** What an affiliate reads when somebody of the staff looks at its portal (screens.md 2), in its language. The reason is for it to read, too. */
export function portalViewText(
  language: string | null,
  of: { readonly person: string; readonly reason: string },
): { readonly subject: string; readonly body: string } {
  return texts[language === 'de' ? 'de' : 'en'](of.person, of.reason);
}

const texts: Readonly<
  Record<'de' | 'en', (person: string, reason: string) => { readonly subject: string; readonly body: string }>
> = {
  en: (person, reason) => ({
    subject: `${person} looks at your portal`,
    body: `For at most 30 minutes, without being able to change anything. Reason: ${reason}`,
  }),
  de: (person, reason) => ({
    subject: `${person} sieht Ihr Portal an`,
    body: `Höchstens 30 Minuten lang und ohne etwas ändern zu können. Grund: ${reason}`,
  }),
};
