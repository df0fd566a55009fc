import type { ScreenEntry } from '../kit/screens.js';

// Every screen of the portals: one line each.
export const affiliateScreens: readonly ScreenEntry[] = [
  { path: '/', load: () => import('./screens/affiliate/home.js') },
  { path: '/earnings', load: () => import('./screens/earning/earningList.js') },
  { path: '/earnings/refunds', load: () => import('./screens/earning/refundList.js') },
  { path: '/earnings/payments', load: () => import('./screens/earning/paymentList.js') },
  { path: '/reports', load: () => import('./screens/reporting/reportList.js') },
  { path: '/recruits', load: () => import('./screens/affiliate/recruitList.js') },
  { path: '/documents', load: () => import('./screens/affiliate/documents.js') },
  { path: '/notices', load: () => import('./screens/messaging/noticeList.js') },
  { path: '/payouts', load: () => import('./screens/payout/payoutList.js') },
  { path: '/programs', load: () => import('./screens/program/programList.js') },
  { path: '/links', load: () => import('./screens/tracking/linkList.js') },
  { path: '/tools', load: () => import('./screens/tracking/toolList.js') },
  { path: '/lead-log', load: () => import('./screens/tracking/leadLog.js') },
  { path: '/api-keys', load: () => import('./screens/access/apiKeyList.js') },
  { path: '/postbacks', load: () => import('./screens/messaging/postbackList.js') },
  { path: '/referrals', load: () => import('./screens/earning/referralList.js') },
  { path: '/credit-check', load: () => import('./screens/earning/creditCheck.js') },
  { path: '/profile', load: () => import('./screens/affiliate/profile.js') },
  { path: '/payout-methods/$methodId', load: () => import('./screens/payout/confirmMethod.js') },
];

export const resellerScreens: readonly ScreenEntry[] = [
  { path: '/', load: () => import('./screens/access/resellerHome.js') },
];
