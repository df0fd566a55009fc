/** A word of an affiliate's own search, with what it may be compared with. */
export interface OwnSearch {
  readonly q: string;
  /** What the workspace lets affiliates see of customers where a program says nothing of its own. */
  readonly visibility: 'full' | 'name_only' | 'anonymous';
  /** False: staff who look at the portal without the right to personal data. */
  readonly seesPeople: boolean;
}

/**
 * Does the word name this customer, as far as the affiliate sees it? Our reference names nobody and may always be asked for; a name or an address only
 * where the program shows it: a hit would tell what it keeps from affiliates (PRG-04, PRT-09). Each argument is a column; bindings are those of
 * `ownSearchBindings`.
 */
export function namesOwnCustomer(of: {
  readonly contactId: string;
  readonly name: string;
  readonly email: string;
  readonly programId: string;
}): string {
  const visibility = `(case when not :seesPeople then 'anonymous' else coalesce(
    (select program.own_terms ->> 'customerVisibility' from programs as program where program.id = ${of.programId}), :visibility) end)`;
  return `(strpos(lower('C-' || right(${of.contactId}, 6)), lower(:q)) > 0
    or ${visibility} <> 'anonymous' and strpos(lower(coalesce(${of.name}, '')), lower(:q)) > 0
    or ${visibility} = 'full' and strpos(lower(coalesce(${of.email}, '')), lower(:q)) > 0)`;
}

export function ownSearchBindings({ q, visibility, seesPeople }: OwnSearch) {
  return { q, visibility, seesPeople };
}
