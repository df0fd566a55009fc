/** One figure of a bench, ours beside its limit or peer, in the same round (performance.md). */
export interface Measured {
  readonly name: string;
  readonly against: string;
  readonly unit: string;
  readonly rounds: readonly { readonly ours: number; readonly theirs: number }[];
  /** `>= 0.80` or `<= 1.5`, of the median of the paired ratios. */
  readonly goal: string;
  readonly notes: readonly string[];
}

export interface Bench {
  /** The figures that one run writes; each starts it. */
  readonly names: readonly string[];
  readonly what: string;
  readonly takes: string;
  run(say: (line: string) => void): Promise<readonly Measured[]>;
}
