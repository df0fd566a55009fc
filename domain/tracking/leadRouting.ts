import type { UserId } from '../ids.js';

/** Who could get a lead; an agent who is not active any more is null (LED-02). */
export interface RoutingInput {
  /** The agent of the affiliate that is credited or has sent it. */
  readonly affiliateAgentId: UserId | null;
  readonly formAssigneeId: UserId | null;
  readonly sourceAssigneeId: UserId | null;
  readonly department: string | null;
}

export interface Routing {
  /** Null: it waits in the department's queue. */
  readonly assigneeId: UserId | null;
  readonly department: string | null;
  /** Which rule chose; null: none, the department's queue. */
  readonly assignedBy: 'affiliate' | 'form' | 'source' | null;
}

/** Whose list a new lead appears in: the affiliate's rule beats the form's, the form's the source's (LED-02, LED-03). */
export function routeLead(input: RoutingInput): Routing {
  const { department } = input;
  if (input.affiliateAgentId !== null)
    return { assigneeId: input.affiliateAgentId, department, assignedBy: 'affiliate' };
  if (input.formAssigneeId !== null) return { assigneeId: input.formAssigneeId, department, assignedBy: 'form' };
  if (input.sourceAssigneeId !== null) return { assigneeId: input.sourceAssigneeId, department, assignedBy: 'source' };
  return { assigneeId: null, department, assignedBy: null };
}

export type AcquisitionModel = 'cpl' | 'cpa';

/**
 * Does this lead open a customer account? CPL never does. Else the channel's switch decides; where nobody set it, the workspace's setting
 * does for CPA, and nothing is opened where no model is named (LED-10, LED-11, ruling 27).
 */
export function opensAccount(model: AcquisitionModel | null, channelSwitch: boolean | null, setting: boolean): boolean {
  if (model === 'cpl') return false;
  return channelSwitch ?? (model === 'cpa' && setting);
}

/** Who accepts a lead that is kept: its source's rule, else its program's. */
export function acceptanceOf(
  source: 'automatic' | 'manual' | null | undefined,
  program: 'automatic' | 'manual',
): 'automatic' | 'manual' {
  return source ?? program;
}

/** A form, a script's or a checkout's lead is a further submission of its person where an API or staff lead is a duplicate (ruling 41). */
export function isFormLike(channel: string): boolean {
  return channel === 'form' || channel === 'script' || channel === 'payment_hook';
}
