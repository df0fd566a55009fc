import { Button } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { type ReactElement, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { getProductGroupsOptions, getProductsOptions } from '../../../client/@tanstack/react-query.gen.js';
import type { Product } from '../../../client/types.gen.js';
import { DateText } from '../../../kit/DateText.js';
import { useKeys } from '../../../kit/keys.js';
import { MoneyText } from '../../../kit/MoneyText.js';
import { ResourceTable } from '../../../kit/ResourceTable.js';
import { RowMenu } from '../../../kit/RowMenu.js';
import { useCan } from '../../../kit/session.js';
import { PageHead } from '../../../kit/Shell.js';
import { ProductForm } from './productForm.js';

/** Programs → Products (screens.md 3.9). */
export function Screen(): ReactElement {
  const { t } = useTranslation();
  const mayCreate = useCan()('program.write');
  const groups = useQuery(getProductGroupsOptions({ query: { limit: 200, sort: 'name' } }));
  const [edited, setEdited] = useState<Product | 'new' | null>(null);
  useKeys({
    c: () => {
      if (mayCreate) setEdited('new');
    },
  });
  const create = mayCreate ? <Button onClick={() => setEdited('new')}>{t('product.new')}</Button> : undefined;
  return (
    <>
      <PageHead title={t('product.title')} text={t('product.text')} actions={create} />
      <ResourceTable<Product>
        screen="products"
        label={t('product.title')}
        hasText
        list={(query) => getProductsOptions({ query }) as never}
        rowLabel={(row) => row.name}
        rowActions={(row) => (
          <RowMenu
            row={row.name}
            actions={mayCreate ? [{ key: 'edit', text: t('desk.change'), onPress: () => setEdited(row) }] : []}
          />
        )}
        empty={{ title: t('product.none'), text: t('product.noneText'), action: create }}
        filters={[
          {
            field: 'active',
            label: t('product.active'),
            options: [
              { value: 'true', label: t('yes') },
              { value: 'false', label: t('no') },
            ],
          },
          {
            field: 'productGroupId',
            label: t('productGroup.one'),
            options: (groups.data?.data ?? []).map((one) => ({ value: one.id, label: one.name })),
          },
        ]}
        columns={[
          { key: 'name', title: t('product.name'), render: (row) => row.name, csv: 'name' },
          { key: 'sku', title: t('product.sku'), render: (row) => row.sku ?? '–', csv: 'sku' },
          {
            key: 'price',
            title: t('product.price'),
            align: 'right',
            render: (row) => <MoneyText value={row.price} />,
            csv: 'price',
          },
          {
            key: 'group',
            title: t('productGroup.one'),
            render: (row) => groups.data?.data.find((one) => one.id === row.productGroupId)?.name ?? '–',
            csv: 'productGroupId',
          },
          {
            key: 'active',
            title: t('product.active'),
            render: (row) => t(row.active ? 'yes' : 'no'),
            csv: 'active',
          },
          {
            key: 'createdAt',
            title: t('program.created'),
            sort: 'createdAt',
            render: (row) => <DateText value={row.createdAt} time={false} />,
            csv: 'createdAt',
          },
        ]}
      />
      {edited === null ? null : (
        <ProductForm product={edited === 'new' ? undefined : edited} onClose={() => setEdited(null)} />
      )}
    </>
  );
}
