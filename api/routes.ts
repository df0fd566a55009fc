import type { Route } from './route.js';
import { addressVerificationRoutes } from './routes/affiliate/addressVerification.js';
import { affiliateRoutes } from './routes/affiliate/affiliate.js';
import { affiliateCustomerRoutes } from './routes/affiliate/affiliateCustomer.js';
import { ownRecruitRoutes } from './routes/affiliate/ownRecruit.js';
import { applicationRoutes } from './routes/affiliate/application.js';
import { breachRoutes } from './routes/affiliate/breach.js';
import { documentRoutes } from './routes/affiliate/document.js';
import { applyPageRoutes } from './routes/affiliate/applyPage.js';
import { applyStatusRoutes } from './routes/affiliate/applyStatus.js';
import { effectiveTermsRoutes } from './routes/affiliate/effectiveTerms.js';
import { enrolmentRoutes } from './routes/affiliate/enrolment.js';
import { affiliateMetricsRoutes } from './routes/affiliate/metrics.js';
import { portalPersonRoutes } from './routes/affiliate/portalPerson.js';
import { portalRoutes } from './routes/affiliate/portal.js';
import { portalViewRoutes } from './routes/affiliate/portalView.js';
import { auditRoutes } from './routes/audit/audit.js';
import { historyRoutes } from './routes/audit/history.js';
import { checkRoutes } from './routes/earning/check.js';
import { ownEarningRoutes } from './routes/earning/ownEarning.js';
import { referralHistoryRoutes } from './routes/earning/referralHistory.js';
import { referralRoutes } from './routes/earning/referral.js';
import { gatewayRoutes } from './routes/payout/gateway.js';
import { gatewayHookRoutes } from './routes/payout/gatewayHook.js';
import { ownPayoutRoutes } from './routes/payout/ownPayout.js';
import { payoutRoutes } from './routes/payout/payout.js';
import { payoutFileRoutes } from './routes/payout/payoutFile.js';
import { payoutMethodRoutes } from './routes/payout/payoutMethod.js';
import { payoutRunRoutes } from './routes/payout/payoutRun.js';
import { payoutStatementRoutes } from './routes/payout/payoutStatement.js';
import { unpaidNoticeRoutes } from './routes/payout/unpaidNotice.js';
import { reconciliationRoutes } from './routes/payout/reconciliation.js';
import { agreementRoutes } from './routes/program/agreement.js';
import { productRoutes } from './routes/program/product.js';
import { productGroupRoutes } from './routes/program/productGroup.js';
import { commissionRuleRoutes } from './routes/program/commissionRule.js';
import { groupRoutes } from './routes/affiliate/group.js';
import { segmentRoutes } from './routes/affiliate/segment.js';
import { affiliateTimelineRoutes } from './routes/affiliate/timeline.js';
import { appealRoutes } from './routes/earning/appeal.js';
import { rerunRoutes } from './routes/earning/rerun.js';
import { simulationRoutes } from './routes/program/simulation.js';
import { listExportRoutes } from './routes/reporting/listExport.js';
import { testDataRoutes } from './routes/reporting/testData.js';
import { commissionRoutes } from './routes/earning/commission.js';
import { paymentHookRoutes } from './routes/earning/paymentHook.js';
import { paymentSourceRoutes } from './routes/earning/paymentSource.js';
import { ledgerRoutes } from './routes/earning/ledger.js';
import { ledgerAdjustmentRoutes } from './routes/earning/ledgerAdjustment.js';
import { ledgerPeriodRoutes } from './routes/earning/ledgerPeriod.js';
import { refundRoutes } from './routes/earning/refund.js';
import { saleRoutes } from './routes/earning/sale.js';
import { saleAttributionRoutes } from './routes/earning/saleAttribution.js';
import { saleReportRoutes } from './routes/earning/saleReport.js';
import { creditCheckRoutes } from './routes/earning/creditCheck.js';
import { parkedEventRoutes } from './routes/earning/parkedEvent.js';
import { standardRoutes } from './routes/program/standard.js';
import { programRoutes } from './routes/program/program.js';
import { ownLinkRoutes } from './routes/tracking/ownLink.js';
import { linkRoutes } from './routes/tracking/link.js';
import { couponRoutes } from './routes/tracking/coupon.js';
import { trackingTestRoutes } from './routes/tracking/trackingTest.js';
import { promoToolRoutes } from './routes/tracking/promoTool.js';
import { mediaRoutes } from './routes/tracking/media.js';
import { trackingDomainRoutes } from './routes/tracking/trackingDomain.js';
import { linkCheckRoutes } from './routes/tracking/linkCheck.js';
import { apiKeyRoutes } from './routes/access/apiKey.js';
import { ownApiKeyRoutes } from './routes/access/ownApiKey.js';
import { apiLogRoutes } from './routes/access/apiLog.js';
import { preferenceRoutes } from './routes/access/preference.js';
import { oidcRoutes } from './routes/access/oidc.js';
import { roleRoutes } from './routes/access/role.js';
import { secondFactorRoutes } from './routes/access/secondFactor.js';
import { loginEmailRoutes } from './routes/access/loginEmail.js';
import { sessionRoutes } from './routes/access/session.js';
import { signInProviderRoutes } from './routes/access/signInProvider.js';
import { noticeRoutes } from './routes/messaging/notice.js';
import { notificationChoiceRoutes } from './routes/messaging/notificationChoice.js';
import { reportRoutes } from './routes/reporting/report.js';
import { ownReportRoutes } from './routes/reporting/ownReport.js';
import { savedViewRoutes } from './routes/access/savedView.js';
import { settingsRoutes } from './routes/access/settings.js';
import { userRoutes } from './routes/access/user.js';
import { workspaceRoutes } from './routes/access/workspace.js';
import { devEmailRoutes } from './routes/messaging/devEmail.js';
import { emailRoutes } from './routes/messaging/email.js';
import { sentMessageRoutes } from './routes/messaging/sentMessage.js';
import { postbackOutRoutes } from './routes/messaging/postback.js';
import { eventRoutes } from './routes/messaging/event.js';
import { webhookRoutes } from './routes/messaging/webhook.js';
import { messageRoutes } from './routes/messaging/message.js';
import { milestoneRoutes } from './routes/messaging/milestone.js';
import { templateRoutes } from './routes/messaging/template.js';
import { unsubscribeRoutes } from './routes/messaging/unsubscribe.js';
import { consoleRoutes } from './routes/reporting/console.js';
import { operationRoutes } from './routes/reporting/bulkOperation.js';
import { clickRoutes } from './routes/tracking/clickRoutes.js';
import { customerAccountRoutes } from './routes/reseller/customerAccount.js';
import { contactRoutes } from './routes/tracking/contact.js';
import { customFieldRoutes } from './routes/tracking/customField.js';
import { riskRoutes } from './routes/tracking/riskCase.js';
import { leadRoutes } from './routes/tracking/lead.js';
import { formPageRoutes } from './routes/tracking/formPage.js';
import { leadFormRoutes } from './routes/tracking/leadForm.js';
import { leadLogRoutes } from './routes/tracking/leadLog.js';
import { leadSourceRoutes } from './routes/tracking/leadSource.js';
import { postbackRoutes } from './routes/tracking/postback.js';
import { scriptRoutes } from './routes/tracking/script.js';
import { visitRoutes } from './routes/tracking/visit.js';

const own: readonly Route[] = [
  ...sessionRoutes,
  ...loginEmailRoutes,
  ...secondFactorRoutes,
  ...oidcRoutes,
  ...signInProviderRoutes,
  ...userRoutes,
  ...roleRoutes,
  ...apiKeyRoutes,
  ...ownApiKeyRoutes,
  ...apiLogRoutes,
  ...settingsRoutes,
  ...savedViewRoutes,
  ...workspaceRoutes,
  ...preferenceRoutes,
  ...noticeRoutes,
  ...notificationChoiceRoutes,
  ...sentMessageRoutes,
  ...ownReportRoutes,
  ...reportRoutes,
  ...ownRecruitRoutes,
  ...devEmailRoutes,
  ...emailRoutes,
  ...postbackOutRoutes,
  ...eventRoutes,
  ...webhookRoutes,
  ...templateRoutes,
  ...milestoneRoutes,
  ...messageRoutes,
  ...unsubscribeRoutes,
  ...breachRoutes,
  ...documentRoutes,
  ...operationRoutes,
  ...consoleRoutes,
  ...clickRoutes,
  ...leadRoutes,
  ...leadFormRoutes,
  ...formPageRoutes,
  ...leadLogRoutes,
  ...leadSourceRoutes,
  ...customFieldRoutes,
  ...contactRoutes,
  ...customerAccountRoutes,
  ...riskRoutes,
  ...visitRoutes,
  ...postbackRoutes,
  ...scriptRoutes,
  ...referralRoutes,
  ...referralHistoryRoutes,
  ...checkRoutes,
  ...affiliateRoutes,
  ...affiliateCustomerRoutes,
  ...addressVerificationRoutes,
  ...applicationRoutes,
  ...applyPageRoutes,
  ...applyStatusRoutes,
  ...enrolmentRoutes,
  ...affiliateMetricsRoutes,
  ...affiliateTimelineRoutes,
  ...effectiveTermsRoutes,
  ...payoutMethodRoutes,
  ...payoutRunRoutes,
  ...payoutFileRoutes,
  ...payoutRoutes,
  ...payoutStatementRoutes,
  ...unpaidNoticeRoutes,
  ...gatewayRoutes,
  ...gatewayHookRoutes,
  ...reconciliationRoutes,
  ...paymentSourceRoutes,
  ...paymentHookRoutes,
  ...agreementRoutes,
  ...productRoutes,
  ...productGroupRoutes,
  ...programRoutes,
  ...standardRoutes,
  ...groupRoutes,
  ...segmentRoutes,
  ...appealRoutes,
  ...rerunRoutes,
  ...simulationRoutes,
  ...testDataRoutes,
  ...commissionRuleRoutes,
  ...saleRoutes,
  ...saleReportRoutes,
  ...saleAttributionRoutes,
  ...parkedEventRoutes,
  ...creditCheckRoutes,
  ...refundRoutes,
  ...commissionRoutes,
  ...ledgerRoutes,
  ...ledgerAdjustmentRoutes,
  ...ledgerPeriodRoutes,
  ...linkRoutes,
  ...linkCheckRoutes,
  ...couponRoutes,
  ...promoToolRoutes,
  ...mediaRoutes,
  ...trackingDomainRoutes,
  ...trackingTestRoutes,
  ...portalRoutes,
  ...portalPersonRoutes,
  ...portalViewRoutes,
  ...ownLinkRoutes,
  ...ownEarningRoutes,
  ...ownPayoutRoutes,
  ...auditRoutes,
  ...historyRoutes,
];

/**
 * Every route of the API: the router and the OpenAPI document are built from this list. One import and one spread per file; those that write
 * any list into a file are given the others.
 */
export const routes: readonly Route[] = [...own, ...listExportRoutes(own)];
