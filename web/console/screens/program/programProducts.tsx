import { Button, Group, NativeSelect, Paper, Stack, Text, TextInput } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { type ReactElement, useState } from 'react';
import { useTranslation } from 'react-i18next';
import {
  getProductsOptions,
  getProgramsByProgramIdProductsOptions,
} from '../../../client/@tanstack/react-query.gen.js';
import {
  deleteProgramsByProgramIdProductsByProductId,
  patchProgramsByProgramIdProductsByProductId,
} from '../../../client/sdk.gen.js';
import type { GetProgramsByProgramIdProductsResponse } from '../../../client/types.gen.js';
import { postPath } from '../../../kit/api.js';
import { ErrorView } from '../../../kit/ErrorView.js';
import { FormDialog } from '../../../kit/FormDialog.js';
import { Loaded } from '../../../kit/Loaded.js';
import { MoneyText } from '../../../kit/MoneyText.js';
import { useCan } from '../../../kit/session.js';
import { ProductForm } from './productForm.js';

type Attached = GetProgramsByProgramIdProductsResponse['data'][number];

const perPage = 50;

/** What a program sells: attach, make a new one, switch off, take away; past commissions keep what they have (PRG-10 to PRG-14). */
export function ProgramProducts({ programId }: { readonly programId: string }): ReactElement {
  const { t } = useTranslation();
  const mayWrite = useCan()('program.write');
  const queries = useQueryClient();
  const [productId, setProductId] = useState('');
  const [find, setFind] = useState('');
  const [isMaking, setMaking] = useState(false);
  const [leaving, setLeaving] = useState<Attached | null>(null);
  // The cursors of the pages before this one: a program may sell a thousand things.
  const [cursors, setCursors] = useState<readonly string[]>([]);
  const cursor = cursors.at(-1);
  const attached = useQuery(
    getProgramsByProgramIdProductsOptions({
      path: { programId },
      query: { limit: perPage, ...(cursor === undefined ? {} : { cursor }) },
    }),
  );
  const all = useQuery(
    getProductsOptions({ query: { limit: 200, active: 'true', ...(find.trim() === '' ? {} : { q: find.trim() }) } }),
  );
  const attach = useMutation({
    mutationFn: () => postPath(`/v1/programs/${programId}/products`, { productId }),
    onSuccess: () => {
      setProductId('');
      return queries.invalidateQueries();
    },
  });
  const turn = useMutation({
    mutationFn: (one: Attached) =>
      patchProgramsByProgramIdProductsByProductId({
        path: { programId, productId: one.productId },
        body: { active: !one.active },
        throwOnError: true,
      }),
    onSuccess: () => queries.invalidateQueries(),
  });
  const free = (all.data?.data ?? []).filter((one) => !attached.data?.data.some((own) => own.productId === one.id));
  return (
    <Stack>
      <Loaded query={attached}>
        {({ data, nextCursor }) =>
          data.length === 0 && cursor === undefined ? (
            <Text c="dimmed">{t('program.noProducts')}</Text>
          ) : (
            <Stack gap="xs">
              {data.map((one) => (
                <Paper withBorder p="sm" key={one.productId} component="section" aria-label={one.name}>
                  <Group justify="space-between">
                    <Text>
                      {one.name}
                      {one.sku === null ? '' : ` (${one.sku})`}
                    </Text>
                    <Group>
                      <MoneyText value={one.price} />
                      <Text size="sm">{t(one.active ? 'status.active' : 'status.disabled')}</Text>
                      {mayWrite ? (
                        <>
                          <Button
                            variant="default"
                            size="compact-sm"
                            loading={turn.isPending && turn.variables.productId === one.productId}
                            onClick={() => turn.mutate(one)}
                          >
                            {t(one.active ? 'program.productOff' : 'program.productOn')}
                          </Button>
                          <Button variant="default" size="compact-sm" onClick={() => setLeaving(one)}>
                            {t('program.productRemove')}
                          </Button>
                        </>
                      ) : null}
                    </Group>
                  </Group>
                </Paper>
              ))}
              {nextCursor === null && cursor === undefined ? null : (
                <Group>
                  <Button
                    variant="default"
                    size="compact-sm"
                    disabled={cursor === undefined}
                    onClick={() => setCursors(cursors.slice(0, -1))}
                  >
                    {t('program.productsBack')}
                  </Button>
                  <Button
                    variant="default"
                    size="compact-sm"
                    disabled={nextCursor === null}
                    onClick={() => setCursors(nextCursor === null ? cursors : [...cursors, nextCursor])}
                  >
                    {t('program.productsNext')}
                  </Button>
                </Group>
              )}
            </Stack>
          )
        }
      </Loaded>
      {mayWrite ? (
        <Group align="flex-end">
          <TextInput
            label={t('program.findProduct')}
            value={find}
            onChange={(event) => setFind(event.currentTarget.value)}
          />
          <NativeSelect
            label={t('program.attach')}
            value={productId}
            onChange={(event) => setProductId(event.currentTarget.value)}
            data={[{ value: '', label: '–' }, ...free.map((one) => ({ value: one.id, label: one.name }))]}
          />
          <Button disabled={productId === ''} loading={attach.isPending} onClick={() => attach.mutate()}>
            {t('program.attachDo')}
          </Button>
          <Button variant="default" onClick={() => setMaking(true)}>
            {t('product.new')}
          </Button>
        </Group>
      ) : null}
      {isMaking ? <ProductForm product={undefined} onSaved={setProductId} onClose={() => setMaking(false)} /> : null}
      {leaving === null ? null : (
        <FormDialog
          title={t('program.productRemoveOf', { name: leaving.name })}
          submit={t('program.productRemove')}
          color="red"
          save={() =>
            deleteProgramsByProgramIdProductsByProductId({
              path: { programId, productId: leaving.productId },
              throwOnError: true,
            })
          }
          onClose={() => setLeaving(null)}
        >
          {() => <Text size="sm">{t('program.productRemoveText')}</Text>}
        </FormDialog>
      )}
      {attach.error === null ? null : <ErrorView error={attach.error} />}
      {turn.error === null ? null : <ErrorView error={turn.error} />}
    </Stack>
  );
}
