import { devicePatterns } from '../../../domain/tracking/deviceSummary.js';

const says = (agent: string, pattern: RegExp): string => `${agent} ~* '${pattern.source}'`;

/** The kind of device that a click's browser named, as `deviceSummaryOf` has it (test/api/reporting/console.test.ts); null where the agent is not kept. */
export function deviceKindOf(agent: string): string {
  const { tablet, android, windowsPhone, mobile, phone, anySystem } = devicePatterns;
  return `case
    when ${agent} is null then null
    when ${says(agent, tablet)}
      or ${says(agent, android)} and not ${says(agent, windowsPhone)} and not ${says(agent, mobile)} then 'tablet'
    when ${says(agent, phone)} then 'phone'
    when ${says(agent, anySystem)} then 'desktop'
    else 'other' end`;
}
