import { type Decided, refused } from '../decided.js';
import { type EventOf, eventsFrom, nextStatus, type StatusOf, transitionTable } from '../transitions.js';

/** A customer's account with the merchant: staff stop it and let it go on (api.md 12); it is never deleted. */
export const customerAccountTransitions = transitionTable({
  active: { suspended: 'suspended' },
  suspended: { resumed: 'active' },
});
export type CustomerAccountStatus = StatusOf<typeof customerAccountTransitions>;
export type CustomerAccountEvent = EventOf<typeof customerAccountTransitions>;

/** Judges `suspended` and `resumed`. Refuses with `customer_account.already_decided`: the table has one move from each side. */
export function decideCustomerAccountMove(
  status: CustomerAccountStatus,
  event: CustomerAccountEvent,
): Decided<CustomerAccountEvent> {
  if (nextStatus(customerAccountTransitions, status, event) !== undefined) return { kind: 'accepted', event };
  return refused('customer_account.already_decided', { currentStatus: status });
}

const actionOf: Readonly<Record<CustomerAccountEvent, string>> = { suspended: 'suspend', resumed: 'resume' };

/** The actions that the table offers a person. */
export function customerAccountActions(status: CustomerAccountStatus): readonly string[] {
  return eventsFrom(customerAccountTransitions, status).map((event) => actionOf[event]);
}
