// Texts of the portals.
export const en = {
  'nav.home': 'Home',
  'nav.profile': 'Profile',
  'profile.title': 'Profile',
  'profile.sessions': 'Where you are signed in',
  'profile.sessionCurrent': 'this device',
  'profile.sessionSeen': 'Last seen',
  'profile.sessionEnd': 'End',
  'profile.sessionEndFor': 'End the session on {{device}}',
} as const;
