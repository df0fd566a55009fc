// Texts of the console. Keys are sorted by screen; the other language does not compile without every one of them.
import { accessTexts } from './accessTexts.en.js';
import { deskTexts } from './deskTexts.en.js';
import { developerTexts } from './developerTexts.en.js';
import { documentTexts } from './documentTexts.en.js';
import { gatewayTexts } from './gatewayTexts.en.js';
import { leadTexts } from './leadTexts.en.js';
import { messageTexts } from './messageTexts.en.js';
import { moneyTexts } from './moneyTexts.en.js';
import { promoTexts } from './promoTexts.en.js';
import { recordTexts } from './recordTexts.en.js';
import { reportTexts } from './reportTexts.en.js';
import { scheduleTexts } from './scheduleTexts.en.js';
import { trackingTexts } from './trackingTexts.en.js';
import { workTexts } from './workTexts.en.js';

export const en = {
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
  'nav.settings': 'Settings',
  'nav.team': 'Team',
  'nav.permissions': 'Permissions',
  'nav.mailbox': 'Mailbox',
  'nav.profile': 'Profile',
  'team.title': 'Team',
  'team.text': 'Who may sign in to this workspace, and with which roles.',
  'team.name': 'Name',
  'team.email': 'E-mail',
  'team.roles': 'Roles',
  'team.status': 'Status',
  'team.since': 'Since',
  'team.empty': 'Nobody is here yet',
  'permissions.title': 'Permissions',
  'permissions.text': 'Which role holds which right. Nothing ticked means nothing allowed.',
  'permissions.right': 'Right',
  'permissions.held': 'held',
  'permissions.notHeld': 'not held',
  'permissions.assigned': 'only what is assigned to the person',
  'permissions.limited': 'decisions up to a limit',
  'permissions.area.setUp': 'Set-up',
  'permissions.area.people': 'People',
  'permissions.area.work': 'Work',
  'permissions.area.money': 'Money',
  'permissions.area.lookAndTalk': 'Looking and talking',
  'permissions.area.machineAndAccess': 'Machines and access',
  'permissions.area.portal': 'Portal',
  'profile.title': 'Profile',
  'profile.you': 'You',
  'profile.roles': 'Roles',
  'profile.zone': 'Show dates in',
  'profile.zoneWorkspace': 'the zone of the workspace',
  'profile.zoneOwn': 'my own zone ({{zone}})',
  'profile.keys': 'Single letters as keys',
  'profile.sessions': 'Where you are signed in',
  'profile.sessionCurrent': 'this device',
  'profile.sessionSeen': 'Last seen',
  'profile.sessionEnd': 'End',
  'profile.sessionEndFor': 'End the session on {{device}}',
  'notify.topic.referralDue': 'A referral still waits for a decision',
  'notify.topic.referralOverdue': 'A referral is overdue',
  'notify.topic.standard': 'Affiliates fall below a standard',
  'notify.topic.document': 'Documents of affiliates have expired',
  'notify.topic.apiKey': 'An API user ends soon',
  'notify.topic.link': 'The page of a link does not answer',
  'notify.topic.webhook': 'Calls of a webhook fail',
  'notify.topic.webhookOff': 'A webhook was switched off after failures',
  'notify.topic.money': 'Differences with a provider, overdue payouts',
  'notify.topic.security': 'Sign-in',
  'mailbox.title': 'Mailbox',
  'mailbox.text': 'Mails of this machine, while no mail server is set. Nothing here has left it.',
  'mailbox.to': 'To',
  'mailbox.empty': 'No mail yet',
  'mailbox.search': 'Only to this address',
  'mailbox.show': 'Show',
  'sink.title': 'Kitchen sink',
} as const;
