import { Button, Checkbox, Group, NativeSelect, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { type ReactElement, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { getProductGroupsOptions, getProductsOptions } from '../../../client/@tanstack/react-query.gen.js';
import { deleteProductsByProductId, patchProductsByProductId } from '../../../client/sdk.gen.js';
import type { Product } from '../../../client/types.gen.js';
import { postPath } from '../../../kit/api.js';
import { DateText } from '../../../kit/DateText.js';
import { FormDialog } from '../../../kit/FormDialog.js';
import { useKeys } from '../../../kit/keys.js';
import { MoneyText } from '../../../kit/MoneyText.js';
import { ResourceTable } from '../../../kit/ResourceTable.js';
import { RowMenu } from '../../../kit/RowMenu.js';
import { useCan } from '../../../kit/session.js';
import { PageHead } from '../../../kit/Shell.js';

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

function ProductForm({
  product,
  onClose,
}: {
  readonly product: Product | undefined;
  readonly onClose: () => void;
}): ReactElement {
  const { t } = useTranslation();
  const groups = useQuery(getProductGroupsOptions({ query: { limit: 200, sort: 'name' } }));
  const [name, setName] = useState(product?.name ?? '');
  const [sku, setSku] = useState(product?.sku ?? '');
  const [amount, setAmount] = useState(product?.price?.amount ?? '');
  const [currency, setCurrency] = useState(product?.price?.currency ?? '');
  const [groupId, setGroup] = useState(product?.productGroupId ?? '');
  const [active, setActive] = useState(product?.active ?? true);
  const save = async (key: string): Promise<void> => {
    const body = {
      name: name.trim(),
      sku: sku.trim() === '' ? null : sku.trim(),
      price: amount.trim() === '' ? null : { amount: amount.trim(), currency: currency.trim().toUpperCase() },
      productGroupId: groupId === '' ? null : groupId,
      active,
    };
    if (product === undefined) await postPath('/v1/products', body, key);
    else await patchProductsByProductId({ path: { productId: product.id }, body, throwOnError: true });
  };
  return (
    <FormDialog
      title={t(product === undefined ? 'product.new' : 'desk.change')}
      submit={t(product === undefined ? 'product.create' : 'desk.save')}
      save={save}
      onClose={onClose}
      remove={
        product === undefined
          ? undefined
          : {
              text: t('desk.delete'),
              run: () => deleteProductsByProductId({ path: { productId: product.id }, throwOnError: true }),
            }
      }
    >
      {(errors) => (
        <>
          <TextInput
            label={t('product.name')}
            value={name}
            onChange={(event) => setName(event.currentTarget.value)}
            error={errors['name']}
            required
          />
          <TextInput
            label={t('product.sku')}
            value={sku}
            onChange={(event) => setSku(event.currentTarget.value)}
            error={errors['sku']}
          />
          <Group grow align="flex-start">
            <TextInput
              label={t('product.price')}
              value={amount}
              inputMode="decimal"
              onChange={(event) => setAmount(event.currentTarget.value)}
              error={errors['price.amount']}
            />
            <TextInput
              label={t('program.currency')}
              value={currency}
              onChange={(event) => setCurrency(event.currentTarget.value)}
              error={errors['price.currency']}
            />
          </Group>
          <NativeSelect
            label={t('productGroup.one')}
            value={groupId}
            onChange={(event) => setGroup(event.currentTarget.value)}
            data={[
              { value: '', label: '–' },
              ...(groups.data?.data ?? []).map((one) => ({ value: one.id, label: one.name })),
            ]}
            error={errors['productGroupId']}
          />
          <Checkbox
            label={t('product.active')}
            checked={active}
            onChange={(event) => setActive(event.currentTarget.checked)}
          />
        </>
      )}
    </FormDialog>
  );
}
