import { condition, defineSignal, proxyLocalActivities, setHandler } from '@temporalio/workflow';

const { step } = proxyLocalActivities<{ step(batch: string): Promise<void> }>({
  startToCloseTimeout: '6s',
  retry: { maximumAttempts: 1 },
});
const longestWaitMs = 30 * 86_400_000;

/** What the workflow bench sets beside the referral: the same commands in the same order, with nothing behind them. */
export interface BarePlan {
  readonly batch: string;
  /** Local activities after each signal. */
  readonly steps: readonly number[];
}

export async function bare({ batch, steps }: BarePlan): Promise<void> {
  let told = 0;
  setHandler(defineSignal('told'), () => {
    told += 1;
  });
  for (const [index, times] of steps.entries()) {
    await condition(() => told > index, longestWaitMs);
    for (let time = 0; time < times; time += 1) await step(batch);
  }
  await condition(() => told > steps.length, longestWaitMs);
}
