import type { MenuGroup } from '../kit/Shell.js';

/** The affiliates' menu (screens.md 6). An entry stands here only when its screen does. */
export const affiliateMenu: readonly MenuGroup[] = [
  {
    text: null,
    entries: [
      { path: '/', text: 'nav.home', key: 'h' },
      { path: '/earnings', text: 'nav.earnings', key: 'c' },
      { path: '/payouts', text: 'nav.payouts', key: 'p' },
      { path: '/programs', text: 'nav.program' },
      { path: '/reports', text: 'nav.reports' },
      { path: '/links', text: 'nav.links' },
      { path: '/tools', text: 'nav.tools' },
      { path: '/referrals', text: 'nav.referrals', key: 'r' },
      { path: '/credit-check', text: 'nav.creditCheck' },
      { path: '/lead-log', text: 'nav.leadLog' },
      { path: '/postbacks', text: 'nav.postbacks' },
      { path: '/api-keys', text: 'nav.apiKeys' },
      { path: '/recruits', text: 'nav.recruits' },
      { path: '/documents', text: 'nav.documents' },
      { path: '/notices', text: 'nav.notices' },
      { path: '/profile', text: 'nav.profile' },
    ],
  },
];

/** The resellers' menu (screens.md 7). */
export const resellerMenu: readonly MenuGroup[] = [{ text: null, entries: [{ path: '/', text: 'nav.home' }] }];
