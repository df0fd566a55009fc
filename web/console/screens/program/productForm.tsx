import { Checkbox, Group, NativeSelect, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { type ReactElement, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { getProductGroupsOptions } from '../../../client/@tanstack/react-query.gen.js';
import { deleteProductsByProductId, patchProductsByProductId } from '../../../client/sdk.gen.js';
import type { Product } from '../../../client/types.gen.js';
import { postPath } from '../../../kit/api.js';
import { FormDialog } from '../../../kit/FormDialog.js';

/** Makes or changes a product: on its own list, and from a program's picker, which goes on with the new one (PRG-12). */
export function ProductForm({
  product,
  onSaved,
  onClose,
}: {
  readonly product: Product | undefined;
  readonly onSaved?: (productId: string) => void;
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
  const save = async (key: string): Promise<string> => {
    const body = {
      name: name.trim(),
      sku: sku.trim() === '' ? null : sku.trim(),
      price: amount.trim() === '' ? null : { amount: amount.trim(), currency: currency.trim().toUpperCase() },
      productGroupId: groupId === '' ? null : groupId,
      active,
    };
    if (product === undefined) return (await postPath<Product>('/v1/products', body, key)).id;
    await patchProductsByProductId({ path: { productId: product.id }, body, throwOnError: true });
    return product.id;
  };
  return (
    <FormDialog
      title={t(product === undefined ? 'product.new' : 'desk.change')}
      submit={t(product === undefined ? 'product.create' : 'desk.save')}
      save={save}
      onSaved={(id) => onSaved?.(id)}
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
