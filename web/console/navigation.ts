import type { MenuGroup } from '../kit/Shell.js';

// The console's menu (screens.md 3). An entry stands here only when its screen does; rights are those of the read behind it.
export const menu: readonly MenuGroup[] = [
  {
    text: null,
    entries: [
      { path: '/', text: 'nav.home', key: 'h', ofProgram: true },
      { path: '/queue', text: 'nav.queue', key: 'q', waiting: 'total' },
    ],
  },
  {
    text: 'nav.affiliatesGroup',
    ofModule: true,
    entries: [
      {
        path: '/affiliates',
        text: 'nav.affiliates',
        rights: ['affiliate.read'],
        key: 'a',
        waiting: 'application',
        ofProgram: true,
      },
      { path: '/applications', text: 'nav.applications', rights: ['affiliate.read'], ofProgram: true },
      { path: '/documents', text: 'nav.documents', rights: ['affiliate.read'] },
      { path: '/groups', text: 'nav.groups', rights: ['group.read'] },
      { path: '/contacts', text: 'nav.contacts', rights: ['contact.read'] },
      { path: '/customer-accounts', text: 'nav.customerAccounts', rights: ['contact.read'] },
    ],
  },
  {
    text: 'nav.programsGroup',
    ofModule: true,
    entries: [
      { path: '/programs', text: 'nav.programs', rights: ['program.read'] },
      { path: '/products', text: 'nav.products', rights: ['program.read'] },
      { path: '/product-groups', text: 'nav.productGroups', rights: ['program.read'] },
      { path: '/links', text: 'nav.links', rights: ['link.read'], ofProgram: true },
      { path: '/promo-tools', text: 'nav.promoTools', rights: ['link.read'], ofProgram: true },
      { path: '/coupons', text: 'nav.coupons', rights: ['link.read'], ofProgram: true },
      { path: '/forms', text: 'nav.forms', rights: ['lead.read'] },
      { path: '/messages', text: 'nav.messages', rights: ['message.read'] },
      { path: '/messages/sent', text: 'nav.messagesSent', rights: ['message.read'] },
      { path: '/messages/segments', text: 'nav.segments', rights: ['message.read'] },
      { path: '/messages/log', text: 'nav.mailLog', rights: ['message.read'] },
      { path: '/messages/milestones', text: 'nav.milestones', rights: ['message.read'] },
      { path: '/leads/sources', text: 'nav.leadSources', rights: ['lead.read'] },
      { path: '/leads/fields', text: 'nav.customFields', rights: ['lead.read'] },
    ],
  },
  {
    text: 'nav.activity',
    ofModule: true,
    entries: [
      { path: '/clicks', text: 'nav.clicks', rights: ['link.read'], ofProgram: true },
      { path: '/leads', text: 'nav.leads', rights: ['lead.read'], waiting: 'lead', ofProgram: true },
      { path: '/lead-log', text: 'nav.leadLog', rights: ['lead.read'] },
      { path: '/sales', text: 'nav.sales', rights: ['sale.read'], waiting: 'sale', ofProgram: true },
      { path: '/parked-events', text: 'nav.parked', rights: ['log.read'] },
      {
        path: '/referrals',
        text: 'nav.referrals',
        rights: ['referral.read'],
        key: 'r',
        waiting: 'referral',
        ofProgram: true,
      },
      {
        path: '/commissions',
        text: 'nav.commissions',
        rights: ['commission.read'],
        key: 'c',
        waiting: 'commission',
        ofProgram: true,
      },
      { path: '/appeals', text: 'nav.appeals', rights: ['referral.read'], waiting: 'appeal' },
      { path: '/risk', text: 'nav.risk', rights: ['risk.read'] },
    ],
  },
  {
    text: 'nav.money',
    entries: [
      { path: '/payouts', text: 'nav.payouts', rights: ['payout.read'], key: 'p', waiting: 'payout' },
      { path: '/payouts/due', text: 'nav.due', rights: ['payout.read'] },
      { path: '/payouts/schedules', text: 'nav.schedules', rights: ['payout.read'] },
      { path: '/payout-runs', text: 'nav.runs', rights: ['payout.read'], waiting: 'payout_run' },
      { path: '/ledger', text: 'nav.ledger', rights: ['ledger.read'] },
      { path: '/reconciliations', text: 'nav.reconciliations', rights: ['ledger.read'] },
    ],
  },
  {
    text: 'nav.reports',
    entries: [{ path: '/reports', text: 'nav.reports', rights: ['report.read'], ofProgram: true }],
  },
  {
    text: 'nav.developers',
    entries: [
      { path: '/developers/api-keys', text: 'nav.apiKeys', rights: ['key.read'] },
      { path: '/developers/tracking', text: 'nav.tracking', rights: ['link.read'] },
      { path: '/developers/request-log', text: 'nav.apiLog', rights: ['log.read'] },
      { path: '/developers/payment-sources', text: 'nav.paymentSources', rights: ['webhook.read'] },
      { path: '/developers/webhooks', text: 'nav.webhooks', rights: ['webhook.read'] },
      { path: '/developers/deliveries', text: 'nav.deliveries', rights: ['webhook.read'] },
      { path: '/developers/events', text: 'nav.events', rights: ['webhook.read'] },
      { path: '/developers/postbacks', text: 'nav.postbacks', rights: ['webhook.read'], ofProgram: true },
    ],
  },
  {
    text: 'nav.settings',
    entries: [
      { path: '/settings', text: 'nav.workspaceSettings', rights: ['settings.read'] },
      { path: '/settings/gateways', text: 'nav.gateways', rights: ['payout.read'] },
      { path: '/settings/link-domains', text: 'nav.linkDomains', rights: ['settings.read'] },
      { path: '/settings/team', text: 'nav.team', rights: ['user.read'] },
      { path: '/settings/permissions', text: 'nav.permissions', rights: ['user.read'] },
      { path: '/profile', text: 'nav.profile' },
    ],
  },
  {
    text: 'nav.audit',
    entries: [
      { path: '/audit', text: 'nav.audit', rights: ['audit.read'] },
      { path: '/audit/histories', text: 'nav.histories', rights: ['history.read'] },
    ],
  },
  {
    text: 'nav.system',
    entries: [
      { path: '/system', text: 'nav.system', rights: ['system.read'] },
      { path: '/dev/mail', text: 'nav.mailbox', rights: ['system.write'] },
    ],
  },
];
