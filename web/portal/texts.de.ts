import type { en } from './texts.en.js';

export const de: Readonly<Record<keyof typeof en, string>> = {
  'nav.home': 'Start',
  'nav.profile': 'Profil',
  'profile.title': 'Profil',
  'profile.sessions': 'Wo Sie angemeldet sind',
  'profile.sessionCurrent': 'dieses Gerät',
  'profile.sessionSeen': 'Zuletzt gesehen',
  'profile.sessionEnd': 'Beenden',
  'profile.sessionEndFor': 'Sitzung auf {{device}} beenden',
};
