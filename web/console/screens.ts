import type { ScreenEntry } from '../kit/screens.js';

// Every screen of the console: one line each. `rights` are those of the read behind it: what the API refuses is not shown.
export const screens: readonly ScreenEntry[] = [
  { path: '/settings/team', load: () => import('./screens/access/teamList.js'), rights: ['user.read'] },
  { path: '/settings/permissions', load: () => import('./screens/access/permissionTable.js'), rights: ['user.read'] },
  { path: '/profile', load: () => import('./screens/access/profileDetail.js') },
  { path: '/dev/mail', load: () => import('./screens/messaging/mailbox.js'), rights: ['system.write'] },
  { path: '/kitchen-sink', load: () => import('./screens/kitchenSink.js') },
];
