import type { CurrencyCode } from '../../../domain/money.js';
import type { ReadTx } from '../../transaction.js';

// What does the demo shop sell, through whose links does one come to it, and with which key does it report? (screens.md 9)

export interface DemoShop {
  /** Sealed. */
  readonly key: string;
  readonly programs: readonly {
    readonly name: string;
    readonly slug: string;
    readonly products: readonly {
      readonly sku: string;
      readonly name: string;
      readonly minor: bigint;
      readonly currency: CurrencyCode;
    }[];
    readonly links: readonly { readonly slug: string; readonly affiliate: string }[];
  }[];
}

const linksShown = 4;

/** Undefined: this workspace holds no demo data, so there is no shop. */
export async function findDemoShop(tx: ReadTx): Promise<DemoShop | undefined> {
  const demo = await tx('demo_data').first<{ shop_key: string } | undefined>('shop_key');
  if (demo === undefined) return undefined;
  const { rows: products } = await tx.raw<{
    rows: { program: string; slug: string; sku: string; name: string; minor: bigint; currency: CurrencyCode }[];
  }>(
    `select program.name as program, program.slug, product.sku, product.name, product.price_minor as minor,
            product.price_currency as currency
     from programs as program
     join program_products as attached on attached.program_id = program.id and attached.active
     join products as product on product.id = attached.product_id
     where program.status = 'active' and product.active and product.sku is not null and product.price_minor is not null
     order by program.created_at, program.id, product.price_minor`,
  );
  const { rows: links } = await tx.raw<{ rows: { program: string; slug: string; affiliate: string }[] }>(
    `select program_slug as program, slug, affiliate
     from (
       select program.slug as program_slug, link.slug, affiliate.name as affiliate,
              row_number() over (partition by program.id order by affiliate.created_at, affiliate.id) as place
       from links as link
       join programs as program on program.id = link.program_id
       join affiliates as affiliate on affiliate.id = link.affiliate_id
       where link.is_default and link.status = 'active' and program.status = 'active' and affiliate.status = 'approved'
     ) as shown
     where place <= :linksShown
     order by program_slug, place`,
    { linksShown },
  );
  const slugs = [...new Set(products.map((product) => product.slug))];
  return {
    key: demo.shop_key,
    programs: slugs.map((slug) => {
      const sold = products.filter((product) => product.slug === slug);
      return {
        name: sold[0]?.program ?? slug,
        slug,
        products: sold.map(({ sku, name, minor, currency }) => ({ sku, name, minor, currency })),
        links: links
          .filter((link) => link.program === slug)
          .map((link) => ({ slug: link.slug, affiliate: link.affiliate })),
      };
    }),
  };
}
