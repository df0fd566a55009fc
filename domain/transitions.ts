/**
 * One table per aggregate: status → event → next status (features.md 2). Types, CHECK constraints, `allowedActions`, diagrams and
 * exhaustive tests derive from it. Every target must itself be a status of the table.
 */
export function transitionTable<const T extends Record<keyof T, Readonly<Record<string, keyof T>>>>(table: T): T {
  return table;
}

export type StatusOf<T> = keyof T & string;
export type EventOf<T> = { [S in keyof T]: keyof T[S] }[keyof T] & string;

/** The status that `event` leads to from `status`, or undefined where the table has no such move. */
export function nextStatus<T extends Record<string, Readonly<Record<string, string>>>>(
  table: T,
  status: StatusOf<T>,
  event: EventOf<T>,
): StatusOf<T> | undefined {
  const moves: Readonly<Record<string, string>> | undefined = table[status];
  return moves !== undefined && Object.hasOwn(moves, event) ? (moves[event] as StatusOf<T>) : undefined;
}

export function statusesOf<T extends Record<string, unknown>>(table: T): readonly StatusOf<T>[] {
  return Object.keys(table) as StatusOf<T>[];
}

export function eventsFrom<T extends Record<string, Readonly<Record<string, string>>>>(
  table: T,
  status: StatusOf<T>,
): readonly EventOf<T>[] {
  return Object.keys(table[status] ?? {}) as EventOf<T>[];
}

/** True where no move leaves the status. */
export function isFinal<T extends Record<string, Readonly<Record<string, string>>>>(
  table: T,
  status: StatusOf<T>,
): boolean {
  return eventsFrom(table, status).length === 0;
}
