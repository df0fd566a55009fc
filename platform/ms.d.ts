// Temporal's `Duration` is `StringValue | number` of this package, whose own types NodeNext does not see: without these
// lines `Duration` is silently `any`, and `sleep('1 dya')` compiles (dependencies.md 2, fact 7).
declare module 'ms' {
  type Unit =
    | 'ms'
    | 's'
    | 'm'
    | 'h'
    | 'd'
    | 'second'
    | 'seconds'
    | 'minute'
    | 'minutes'
    | 'hour'
    | 'hours'
    | 'day'
    | 'days';
  export type StringValue = `${number}${Unit}` | `${number} ${Unit}`;
}
