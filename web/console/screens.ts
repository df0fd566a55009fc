import type { ScreenEntry } from '../kit/screens.js';

// Every screen of the console: one line each. `rights` are those of the read behind it: what the API refuses is not shown.
export const screens: readonly ScreenEntry[] = [
  { path: '/', load: () => import('./screens/reporting/home.js') },
  { path: '/queue', load: () => import('./screens/earning/queueList.js') },
  { path: '/affiliates', load: () => import('./screens/affiliate/affiliateList.js'), rights: ['affiliate.read'] },
  {
    path: '/affiliates/$affiliateId',
    load: () => import('./screens/affiliate/affiliateDetail.js'),
    rights: ['affiliate.read'],
  },
  { path: '/programs', load: () => import('./screens/program/programList.js'), rights: ['program.read'] },
  { path: '/programs/$programId', load: () => import('./screens/program/programDetail.js'), rights: ['program.read'] },
  { path: '/products', load: () => import('./screens/program/productList.js'), rights: ['program.read'] },
  { path: '/links', load: () => import('./screens/tracking/linkList.js'), rights: ['link.read'] },
  { path: '/leads', load: () => import('./screens/tracking/leadList.js'), rights: ['lead.read'] },
  { path: '/sales', load: () => import('./screens/earning/saleList.js'), rights: ['sale.read'] },
  { path: '/sales/$saleId', load: () => import('./screens/earning/saleDetail.js'), rights: ['sale.read'] },
  { path: '/referrals', load: () => import('./screens/earning/referralList.js'), rights: ['referral.read'] },
  {
    path: '/referrals/$referralId',
    load: () => import('./screens/earning/referralDetail.js'),
    rights: ['referral.read'],
  },
  { path: '/commissions', load: () => import('./screens/earning/commissionList.js'), rights: ['commission.read'] },
  {
    path: '/commissions/$commissionId',
    load: () => import('./screens/earning/commissionDetail.js'),
    rights: ['commission.read'],
  },
  { path: '/payout-runs', load: () => import('./screens/payout/runList.js'), rights: ['payout.read'] },
  { path: '/payout-runs/$runId', load: () => import('./screens/payout/runDetail.js'), rights: ['payout.read'] },
  { path: '/payouts', load: () => import('./screens/payout/payoutList.js'), rights: ['payout.read'] },
  { path: '/ledger', load: () => import('./screens/payout/ledger.js'), rights: ['ledger.read'] },
  { path: '/audit', load: () => import('./screens/audit/auditList.js'), rights: ['audit.read'] },
  { path: '/audit/$entryId', load: () => import('./screens/audit/auditDetail.js'), rights: ['audit.read'] },
  { path: '/payouts/$payoutId', load: () => import('./screens/payout/payoutDetail.js'), rights: ['payout.read'] },
  { path: '/settings/team', load: () => import('./screens/access/teamList.js'), rights: ['user.read'] },
  { path: '/settings/permissions', load: () => import('./screens/access/permissionTable.js'), rights: ['user.read'] },
  { path: '/profile', load: () => import('./screens/access/profileDetail.js') },
  { path: '/dev/mail', load: () => import('./screens/messaging/mailbox.js'), rights: ['system.write'] },
  { path: '/kitchen-sink', load: () => import('./screens/kitchenSink.js') },
];
