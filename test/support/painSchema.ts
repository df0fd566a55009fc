import { XMLParser, XMLValidator } from 'fast-xml-parser';
import { isBic, isIban } from '../../domain/payout/iban.js';

// The part of the official schema of pain.001.001.09 (in the EPC's subset for customers, EPC132-08 of 2023) that our files use: every element in
// its place and order, how often it may stand there, and what its text may be. What is not named here is not allowed.

type Check = (text: string) => boolean;
interface Element {
  readonly name: string;
  readonly min?: 0;
  readonly max?: number;
  readonly of: readonly Element[] | readonly (readonly Element[])[] | Check;
}

const latin = /^[A-Za-z0-9/\-?:().,'+ ]+$/;
const text =
  (max: number): Check =>
  (value) =>
    value.length >= 1 && value.length <= max && latin.test(value);
const reference: Check = (value) => text(35)(value) && !/^\/|\/$|\/\//.test(value);
const count: Check = (value) => /^[0-9]{1,15}$/.test(value);
const amount: Check = (value) => /^(0|[1-9][0-9]{0,8})\.[0-9]{2}$/.test(value) && !/^0\.00$/.test(value);
const controlSum: Check = (value) => /^[0-9]{1,15}\.[0-9]{2}$/.test(value);
const one =
  (...words: readonly string[]): Check =>
  (value) =>
    words.includes(value);
const el = (name: string, of: Element['of'], more: Pick<Element, 'min' | 'max'> = {}): Element => ({
  name,
  of,
  ...more,
});
/** One of several sequences. */
const account = el('Id', [el('IBAN', (value) => isIban(value) && /^[A-Z]{2}[0-9]{2}[A-Z0-9]{1,30}$/.test(value))]);

const schema: readonly Element[] = [
  el('Document', [
    el('CstmrCdtTrfInitn', [
      el('GrpHdr', [
        el('MsgId', reference),
        el('CreDtTm', (value) => /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?Z$/.test(value)),
        el('NbOfTxs', count),
        el('CtrlSum', controlSum),
        el('InitgPty', [el('Nm', text(70))]),
      ]),
      el('PmtInf', [
        el('PmtInfId', reference),
        el('PmtMtd', one('TRF')),
        el('NbOfTxs', count),
        el('CtrlSum', controlSum),
        el('PmtTpInf', [el('SvcLvl', [el('Cd', one('SEPA'))])]),
        el('ReqdExctnDt', [el('Dt', (value) => /^\d{4}-\d{2}-\d{2}$/.test(value))]),
        el('Dbtr', [el('Nm', text(70))]),
        el('DbtrAcct', [account]),
        el('DbtrAgt', [el('FinInstnId', [[el('BICFI', isBic)], [el('Othr', [el('Id', one('NOTPROVIDED'))])]])]),
        el('ChrgBr', one('SLEV')),
        el(
          'CdtTrfTxInf',
          [
            el('PmtId', [el('EndToEndId', reference)]),
            el('Amt', [el('InstdAmt', amount)]),
            el('Cdtr', [el('Nm', text(70))]),
            el('CdtrAcct', [account]),
            el('RmtInf', [el('Ustrd', text(140))], { min: 0 }),
          ],
          { max: 100_000 },
        ),
      ]),
    ]),
  ]),
];

type Node = Readonly<Record<string, unknown>>;

const childrenOf = (node: Node, name: string): readonly Node[] => (node[name] ?? []) as readonly Node[];
const nameOf = (node: Node): string => Object.keys(node).find((key) => key !== ':@') ?? '';

function walk(nodes: readonly Node[], wanted: readonly Element[], path: string, faults: string[]): void {
  let at = 0;
  for (const element of wanted) {
    const from = at;
    while (at < nodes.length && nameOf(nodes[at] ?? {}) === element.name) {
      visit(nodes[at] ?? {}, element, `${path}/${element.name}`, faults);
      at += 1;
    }
    const times = at - from;
    if (times < (element.min ?? 1) || times > (element.max ?? 1))
      faults.push(`${path}: ${element.name} stands there ${times} times`);
  }
  if (at < nodes.length) faults.push(`${path}: ${nameOf(nodes[at] ?? {})} has no place here`);
}

function visit(node: Node, element: Element, path: string, faults: string[]): void {
  const children = childrenOf(node, element.name);
  if (typeof element.of === 'function') {
    const value = children.length === 1 ? (children[0] ?? {})['#text'] : undefined;
    if (typeof value !== 'string' || !element.of(value))
      faults.push(`${path}: ${JSON.stringify(value)} is no such value`);
    return;
  }
  const isChoice = Array.isArray(element.of[0]);
  const sequences = (isChoice ? element.of : [element.of]) as readonly (readonly Element[])[];
  const found = sequences.map((sequence) => {
    const own: string[] = [];
    walk(children, sequence, path, own);
    return own;
  });
  if (!found.some((own) => own.length === 0)) faults.push(...(found[0] ?? []));
}

/** What is wrong with a file, in words; nothing when it keeps to the schema, its currency and its control sums. */
export function checkPain(xml: string): readonly string[] {
  if (XMLValidator.validate(xml) !== true) return ['not well-formed'];
  const parser = new XMLParser({
    preserveOrder: true,
    ignoreAttributes: false,
    attributeNamePrefix: '@',
    parseTagValue: false,
    ignoreDeclaration: true,
  });
  const faults: string[] = [];
  walk(parser.parse(xml) as readonly Node[], schema, '', faults);
  if (!xml.includes('<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.001.001.09">')) faults.push('no namespace');
  const amounts = [...xml.matchAll(/<InstdAmt Ccy="([A-Z]{3})">([\d.]+)</g)];
  if (amounts.some(([, currency]) => currency !== 'EUR')) faults.push('another currency than EUR');
  const cents = amounts.reduce((sum, [, , value = '']) => sum + BigInt(value.replace('.', '')), 0n);
  for (const [, value = ''] of xml.matchAll(/<CtrlSum>([\d.]+)</g))
    if (BigInt(value.replace('.', '')) !== cents)
      faults.push(`the control sum ${value} is not the sum of the payments`);
  for (const [, value] of xml.matchAll(/<NbOfTxs>(\d+)</g))
    if (Number(value) !== amounts.length) faults.push(`${value} is not the number of payments`);
  return faults;
}
