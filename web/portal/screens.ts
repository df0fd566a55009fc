import type { ScreenEntry } from '../kit/screens.js';

// Every screen of the portals: one line each.
export const affiliateScreens: readonly ScreenEntry[] = [
  { path: '/profile', load: () => import('./screens/access/profileDetail.js') },
];

export const resellerScreens: readonly ScreenEntry[] = [
  { path: '/', load: () => import('./screens/access/profileDetail.js') },
];
