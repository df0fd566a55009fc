import type { AffiliateEvent } from './affiliate.js';

/** What a breach of a policy leads to (features.md PRG-19). */
export const breachActions = ['warning', 'suspension', 'termination'] as const;
export type BreachAction = (typeof breachActions)[number];

/** The move of features.md 2.1 that an action is; a warning is none. */
export function moveOf(action: BreachAction): { readonly verb: string; readonly event: AffiliateEvent } | undefined {
  switch (action) {
    case 'warning':
      return undefined;
    case 'suspension':
      return { verb: 'suspend', event: 'suspended' };
    case 'termination':
      return { verb: 'terminate', event: 'terminated' };
    default:
      return action satisfies never;
  }
}

/** What the affiliate reads. The evidence stays with staff. */
export function breachText(
  language: string | null,
  of: { readonly action: BreachAction; readonly policy: string },
): { readonly subject: string; readonly body: string } {
  return texts[language === 'de' ? 'de' : 'en'](of.action, of.policy);
}

const texts: Readonly<
  Record<'de' | 'en', (action: BreachAction, policy: string) => { readonly subject: string; readonly body: string }>
> = {
  en: (action, policy) => ({
    subject: { warning: 'A warning', suspension: 'Your account is suspended', termination: 'Your account was ended' }[
      action
    ],
    body: `A policy of the program was broken: ${policy}`,
  }),
  de: (action, policy) => ({
    subject: { warning: 'Eine Verwarnung', suspension: 'Ihr Konto ruht', termination: 'Ihr Konto wurde beendet' }[
      action
    ],
    body: `Gegen eine Regel des Programms wurde verstoßen: ${policy}`,
  }),
};
