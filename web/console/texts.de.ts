import { accessTexts } from './accessTexts.de.js';
import { deskTexts } from './deskTexts.de.js';
import { developerTexts } from './developerTexts.de.js';
import { documentTexts } from './documentTexts.de.js';
import { gatewayTexts } from './gatewayTexts.de.js';
import { leadTexts } from './leadTexts.de.js';
import { messageTexts } from './messageTexts.de.js';
import { moneyTexts } from './moneyTexts.de.js';
import { promoTexts } from './promoTexts.de.js';
import { recordTexts } from './recordTexts.de.js';
import { reportTexts } from './reportTexts.de.js';
import { scheduleTexts } from './scheduleTexts.de.js';
import { trackingTexts } from './trackingTexts.de.js';
import { workTexts } from './workTexts.de.js';
import type { en } from './texts.en.js';

export const de: Readonly<Record<keyof typeof en, string>> = {
  ...accessTexts,
  ...deskTexts,
  ...developerTexts,
  ...documentTexts,
  ...gatewayTexts,
  ...leadTexts,
  ...messageTexts,
  ...moneyTexts,
  ...promoTexts,
  ...recordTexts,
  ...reportTexts,
  ...scheduleTexts,
  ...trackingTexts,
  ...workTexts,
  'nav.settings': 'Einstellungen',
  'nav.team': 'Team',
  'nav.permissions': 'Berechtigungen',
  'nav.mailbox': 'Postfach',
  'nav.profile': 'Profil',
  'team.title': 'Team',
  'team.text': 'Wer sich in diesem Arbeitsbereich anmelden darf, und mit welchen Rollen.',
  'team.name': 'Name',
  'team.email': 'E-Mail',
  'team.roles': 'Rollen',
  'team.status': 'Status',
  'team.since': 'Seit',
  'team.empty': 'Hier ist noch niemand',
  'permissions.title': 'Berechtigungen',
  'permissions.text': 'Welche Rolle welches Recht hat. Kein Haken heißt: nicht erlaubt.',
  'permissions.right': 'Recht',
  'permissions.held': 'vorhanden',
  'permissions.notHeld': 'nicht vorhanden',
  'permissions.assigned': 'nur was der Person zugeteilt ist',
  'permissions.limited': 'Entscheidungen bis zu einem Limit',
  'permissions.area.setUp': 'Einrichtung',
  'permissions.area.people': 'Menschen',
  'permissions.area.work': 'Arbeit',
  'permissions.area.money': 'Geld',
  'permissions.area.lookAndTalk': 'Ansehen und schreiben',
  'permissions.area.machineAndAccess': 'Maschinen und Zugang',
  'permissions.area.portal': 'Portal',
  'profile.title': 'Profil',
  'profile.you': 'Sie',
  'profile.roles': 'Rollen',
  'profile.zone': 'Zeiten zeigen in',
  'profile.zoneWorkspace': 'der Zone des Arbeitsbereichs',
  'profile.zoneOwn': 'meiner eigenen Zone ({{zone}})',
  'profile.keys': 'Einzelne Buchstaben als Tasten',
  'profile.sessions': 'Wo Sie angemeldet sind',
  'profile.sessionCurrent': 'dieses Gerät',
  'profile.sessionSeen': 'Zuletzt gesehen',
  'profile.sessionEnd': 'Beenden',
  'profile.sessionEndFor': 'Sitzung auf {{device}} beenden',
  'notify.topic.referralDue': 'Eine Empfehlung wartet noch auf eine Entscheidung',
  'notify.topic.referralOverdue': 'Eine Empfehlung ist überfällig',
  'notify.topic.standard': 'Affiliates liegen unter einem Standard',
  'notify.topic.document': 'Dokumente von Affiliates sind abgelaufen',
  'notify.topic.apiKey': 'Ein API-Nutzer endet bald',
  'notify.topic.link': 'Die Seite eines Links antwortet nicht',
  'notify.topic.webhook': 'Aufrufe eines Webhooks schlagen fehl',
  'notify.topic.webhookOff': 'Ein Webhook wurde nach Fehlern abgeschaltet',
  'notify.topic.money': 'Abweichungen bei einem Anbieter, überfällige Auszahlungen',
  'notify.topic.security': 'Anmeldung',
  'mailbox.title': 'Postfach',
  'mailbox.text': 'Mails dieses Rechners, solange kein Mailserver eingestellt ist. Nichts davon hat ihn verlassen.',
  'mailbox.to': 'An',
  'mailbox.empty': 'Noch keine Mail',
  'mailbox.search': 'Nur an diese Adresse',
  'mailbox.show': 'Zeigen',
  'sink.title': 'Alle Bausteine',
};
