import type { MenuGroup } from '../kit/Shell.js';

// The console's menu (screens.md 3). An entry stands here only when its screen does; rights are those of the read behind it.
export const menu: readonly MenuGroup[] = [
  {
    text: 'nav.settings',
    entries: [
      { path: '/settings/team', text: 'nav.team', rights: ['user.read'] },
      { path: '/settings/permissions', text: 'nav.permissions', rights: ['user.read'] },
      { path: '/dev/mail', text: 'nav.mailbox', rights: ['system.write'] },
      { path: '/profile', text: 'nav.profile' },
    ],
  },
];
