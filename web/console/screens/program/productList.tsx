import { Button, Group, Modal, Stack, TextInput } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, type ReactElement, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { getProductsOptions } from '../../../client/@tanstack/react-query.gen.js';
import type { Product } from '../../../client/types.gen.js';
import { newKey, postPath } from '../../../kit/api.js';
import { DateText } from '../../../kit/DateText.js';
import { ErrorView } from '../../../kit/ErrorView.js';
import { useKeys } from '../../../kit/keys.js';
import { MoneyText } from '../../../kit/MoneyText.js';
import { isProblem } from '../../../kit/problem.js';
import { ResourceTable } from '../../../kit/ResourceTable.js';
import { useCan } from '../../../kit/session.js';
import { PageHead } from '../../../kit/Shell.js';

/** Programs → Products (screens.md 3.9). */
export function Screen(): ReactElement {
  const { t } = useTranslation();
  const mayCreate = useCan()('program.write');
  const [isCreating, setCreating] = useState(false);
  useKeys({
    c: () => {
      if (mayCreate) setCreating(true);
    },
  });
  const create = mayCreate ? <Button onClick={() => setCreating(true)}>{t('product.new')}</Button> : undefined;
  return (
    <>
      <PageHead title={t('product.title')} text={t('product.text')} actions={create} />
      <ResourceTable<Product>
        screen="products"
        label={t('product.title')}
        hasText
        list={(query) => getProductsOptions({ query }) as never}
        rowLabel={(row) => row.name}
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
      {isCreating ? <ProductForm onClose={() => setCreating(false)} /> : null}
    </>
  );
}

function ProductForm({ onClose }: { readonly onClose: () => void }): ReactElement {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const key = useRef(newKey());
  const [name, setName] = useState('');
  const [sku, setSku] = useState('');
  const [amount, setAmount] = useState('');
  const [currency, setCurrency] = useState('');
  const create = useMutation({
    mutationFn: () =>
      postPath(
        '/v1/products',
        {
          name: name.trim(),
          ...(sku.trim() === '' ? {} : { sku: sku.trim() }),
          ...(amount.trim() === ''
            ? {}
            : { price: { amount: amount.trim(), currency: currency.trim().toUpperCase() } }),
        },
        key.current,
      ),
    onSuccess: () => {
      onClose();
      return queries.invalidateQueries();
    },
    onError: () => {
      key.current = newKey(); // a refusal is an answer: the next press is a new try
    },
  });
  const errors = isProblem(create.error) ? create.error.fieldErrors : {};
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    create.mutate();
  };
  return (
    <Modal opened onClose={onClose} title={t('product.new')} closeButtonProps={{ 'aria-label': t('close') }}>
      <form onSubmit={submit}>
        <Stack>
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
              maxLength={3}
              onChange={(event) => setCurrency(event.currentTarget.value)}
              error={errors['price.currency']}
              required={amount.trim() !== ''}
            />
          </Group>
          {create.error === null ? null : <ErrorView error={create.error} />}
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>
              {t('cancel')}
            </Button>
            <Button type="submit" loading={create.isPending}>
              {t('product.create')}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
