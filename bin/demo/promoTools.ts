import { insertPromoTool } from '../../db/tracking/promoTool.js';
import type { Tx } from '../../db/transaction.js';
import type { Act } from '../../domain/act.js';
import type { PromoTool } from '../../domain/tracking/promoTool.js';
import type { DemoProgram } from './setUp.js';

type Plan = Pick<PromoTool, 'kind' | 'name' | 'html' | 'text' | 'ad'>;

/** One of each kind (LNK-13 to LNK-17). Pictures are the customer's own to upload: these banners are text, so that nothing is fetched. */
function plansOf(program: string): readonly Plan[] {
  return [
    { kind: 'link', name: `${program}: home page`, html: null, text: null, ad: 'home' },
    {
      kind: 'banner',
      name: `${program}: autumn banner`,
      html: '<strong>{{program_name}}</strong>: this autumn',
      text: null,
      ad: 'banner',
    },
    {
      kind: 'lightbox',
      name: `${program}: autumn lightbox`,
      html: '<strong>{{program_name}}</strong><br>Have a look before winter',
      text: null,
      ad: 'lightbox',
    },
    {
      kind: 'email',
      name: `${program}: mail to readers`,
      html: '<p>Hello,</p><p>I use {{program_name}} myself. <a href="{{link}}">Have a look</a>.</p><p>{{affiliate_name}}</p>',
      text: 'Hello,\n\nI use {{program_name}} myself. Have a look: {{link}}\n\n{{affiliate_name}}',
      ad: 'mail',
    },
  ];
}

/** What affiliates of the demo promote with; all of the campaign "Autumn". */
export async function makePromoTools(tx: Tx, act: Act, programs: readonly DemoProgram[]): Promise<void> {
  for (const program of programs)
    for (const plan of plansOf(program.plan.name))
      await insertPromoTool(tx, act, {
        ...plan,
        id: act.newId('promoTool'),
        programId: program.id,
        productGroupId: null,
        url: program.landingUrl,
        mediaId: null,
        campaign: 'Autumn',
        active: true,
      });
}
