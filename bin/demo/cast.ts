// Who and what the demo data is about. All of it is made up; `.test` belongs to nobody (RFC 6761).

export interface DemoStaff {
  readonly key: 'reviewer' | 'manager' | 'preparer' | 'approver' | 'developer' | 'auditor';
  readonly name: string;
  readonly email: string;
  readonly roleIds: readonly string[];
}

/** The owner who opens the installation is not among them: what the demo data did is theirs, not his. */
export const staff: readonly DemoStaff[] = [
  { key: 'manager', name: 'Mara Lindholm', email: 'mara@demo.test', roleIds: ['admin', 'program_manager'] },
  { key: 'reviewer', name: 'Ravi Anand', email: 'ravi@demo.test', roleIds: ['reviewer'] },
  { key: 'preparer', name: 'Petra Vogel', email: 'petra@demo.test', roleIds: ['finance_preparer'] },
  { key: 'approver', name: 'Amadou Diallo', email: 'amadou@demo.test', roleIds: ['finance_approver'] },
  { key: 'developer', name: 'Dilan Kaya', email: 'dilan@demo.test', roleIds: ['owner'] },
  { key: 'auditor', name: 'Ines Pereira', email: 'ines@demo.test', roleIds: ['auditor'] },
];

export interface ProductPlan {
  readonly sku: string;
  readonly name: string;
  /** Minor units, tax included, and the tax in it. */
  readonly price: bigint;
  readonly tax: bigint;
  readonly weight: number;
  readonly period: string | null;
}

export interface RulePlan {
  readonly name: string;
  readonly event: 'first_payment' | 'payment';
  /** ppm of the net amount, or a flat sum in minor units, by level. */
  readonly levels: readonly ({ readonly ratePpm: number } | { readonly flat: bigint })[];
  readonly maxPayments: number | null;
}

export interface ProgramPlan {
  readonly name: string;
  readonly slug: string;
  readonly currency: string;
  readonly levels: number;
  readonly weight: number;
  readonly ownTerms: Readonly<Record<string, unknown>>;
  readonly renews: boolean;
  readonly terms: string;
  readonly products: readonly ProductPlan[];
  readonly rules: readonly RulePlan[];
}

export const programs: readonly ProgramPlan[] = [
  {
    name: 'Northwind Cloud',
    slug: 'northwind-cloud',
    currency: 'USD',
    levels: 2,
    weight: 5,
    ownTerms: { attributionWindow: 'P30D', commissionHold: 'P30D', customerVisibility: 'name_only' },
    renews: true,
    terms: 'Recommend Northwind Cloud honestly. No bids on our name, no spam. We pay on the 3rd of each month.',
    products: [
      { sku: 'nw-starter', name: 'Starter', price: 2_900n, tax: 0n, weight: 4, period: 'P1M' },
      { sku: 'nw-team', name: 'Team', price: 9_900n, tax: 0n, weight: 5, period: 'P1M' },
      { sku: 'nw-business', name: 'Business', price: 29_900n, tax: 0n, weight: 2, period: 'P1M' },
    ],
    rules: [
      {
        name: 'First payment',
        event: 'first_payment',
        levels: [{ ratePpm: 300_000 }, { ratePpm: 50_000 }],
        maxPayments: null,
      },
      { name: 'Renewals', event: 'payment', levels: [{ ratePpm: 150_000 }, { ratePpm: 0 }], maxPayments: 12 },
    ],
  },
  {
    name: 'Harbor Travel',
    slug: 'harbor-travel',
    currency: 'EUR',
    levels: 1,
    weight: 3,
    ownTerms: { attributionWindow: 'P14D', commissionHold: 'P14D', referralApproval: 'automatic' },
    renews: false,
    terms: 'One booking, one commission. Cancelled trips earn nothing.',
    products: [
      { sku: 'ht-city', name: 'City break', price: 42_000n, tax: 7_000n, weight: 3, period: null },
      { sku: 'ht-rail', name: 'Rail pass', price: 18_900n, tax: 3_150n, weight: 4, period: null },
    ],
    rules: [
      { name: 'Flat per first booking', event: 'first_payment', levels: [{ flat: 3_500n }], maxPayments: null },
      { name: 'Later bookings', event: 'payment', levels: [{ ratePpm: 40_000 }], maxPayments: null },
    ],
  },
  {
    name: 'Lumen Store',
    slug: 'lumen-store',
    currency: 'GBP',
    levels: 1,
    weight: 2,
    ownTerms: { attributionWindow: 'P7D', commissionHold: 'P14D', customerVisibility: 'anonymous' },
    renews: false,
    terms: 'Lamps only. Coupons only where we gave them to you.',
    products: [
      { sku: 'ls-desk', name: 'Desk lamp', price: 6_450n, tax: 1_075n, weight: 4, period: null },
      { sku: 'ls-studio', name: 'Studio kit', price: 14_990n, tax: 2_498n, weight: 2, period: null },
    ],
    rules: [{ name: 'Every order', event: 'payment', levels: [{ ratePpm: 125_000 }], maxPayments: null }],
  },
];

/** 48 people. The first one signs in to the portal; her mails arrive in the mailbox of the machine. */
export const affiliateNames: readonly string[] = (
  'Ana Kowalska, Bruno Marchetti, Chiara Rossi, Daniel Weber, Elif Demir, Farid Haddad, Greta Olsen, Hugo Laurent, ' +
  'Imani Okafor, Jonas Berg, Katya Ivanova, Liam Murphy, Mei Tanaka, Noah Fischer, Olivia Grant, Pablo Herrera, ' +
  'Quinn Adler, Rosa Moreno, Samir Patel, Tessa de Vries, Ulrich Baumann, Vera Novak, Wout Janssen, Xenia Papadaki, ' +
  'Yusuf Aydin, Zoe Bennett, Adam Nowak, Beatriz Costa, Cedric Moreau, Dora Horvath, Emil Hansen, Fiona Walsh, ' +
  'Georgi Petrov, Hanna Virtanen, Ivan Horak, Julia Schmidt, Kofi Mensah, Lena Richter, Marco Bianchi, Nadia Rahman, ' +
  'Oscar Lindqvist, Priya Nair, Rafael Souza, Sofia Romero, Tomas Kral, Uma Shah, Viktor Sokolov, Wendy Clarke'
).split(', ');

export const siteKinds: readonly string[] = ['blog', 'reviews', 'weekly', 'deals', 'notes', 'guide', 'lab', 'daily'];
export const countries: readonly string[] = ['DE', 'FR', 'PL', 'IT', 'ES', 'NL', 'GB', 'US', 'SE', 'PT', 'AT', 'CZ'];
export const campaigns: readonly (string | null)[] = [null, null, 'newsletter', 'review', 'video', 'sidebar'];

const given =
  'Alex Bea Carl Dana Eva Finn Gina Hans Iris Jack Kim Lara Max Nina Otto Pia Rico Sara Tim Ute Vito Wim Yara Zach'.split(
    ' ',
  );
const family =
  'Abel Brandt Cruz Dietz Engel Fabre Gallo Huber Ilves Jung Keller Lopez Maier Nunez Ortega Peters Quist Renard Sand Thiel Urban Vega Wolf York Zeman'.split(
    ' ',
  );

/** The n-th customer: 600 names, then with a number. */
export function customerName(number: number): string {
  const round = Math.floor(number / (given.length * family.length));
  const name = `${given[number % given.length] ?? ''} ${family[Math.floor(number / given.length) % family.length] ?? ''}`;
  return round === 0 ? name : `${name} ${round + 1}`;
}
