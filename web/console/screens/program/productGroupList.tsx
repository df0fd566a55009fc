import { Button, TextInput } from '@mantine/core';
import { type ReactElement, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { getProductGroupsOptions } from '../../../client/@tanstack/react-query.gen.js';
import { deleteProductGroupsByProductGroupId, patchProductGroupsByProductGroupId } from '../../../client/sdk.gen.js';
import type { ProductGroup } from '../../../client/types.gen.js';
import { postPath } from '../../../kit/api.js';
import { DateText } from '../../../kit/DateText.js';
import { FormDialog } from '../../../kit/FormDialog.js';
import { useKeys } from '../../../kit/keys.js';
import { NameLink } from '../../../kit/ObjectName.js';
import { ResourceTable } from '../../../kit/ResourceTable.js';
import { RowMenu } from '../../../kit/RowMenu.js';
import { useCan } from '../../../kit/session.js';
import { PageHead } from '../../../kit/Shell.js';

/** Programs → Product groups: what products and promo tools are sorted under (PRG-13). */
export function Screen(): ReactElement {
  const { t } = useTranslation();
  const mayWrite = useCan()('program.write');
  const [edited, setEdited] = useState<ProductGroup | 'new' | null>(null);
  useKeys({
    c: () => {
      if (mayWrite) setEdited('new');
    },
  });
  const create = mayWrite ? <Button onClick={() => setEdited('new')}>{t('productGroup.new')}</Button> : undefined;
  return (
    <>
      <PageHead title={t('productGroup.title')} text={t('productGroup.text')} actions={create} />
      <ResourceTable<ProductGroup>
        screen="product-groups"
        label={t('productGroup.title')}
        hasText
        list={(query) => getProductGroupsOptions({ query }) as never}
        rowLabel={(row) => row.name}
        rowActions={(row) => (
          <RowMenu
            row={row.name}
            actions={mayWrite ? [{ key: 'edit', text: t('desk.change'), onPress: () => setEdited(row) }] : []}
          />
        )}
        empty={{ title: t('productGroup.none'), text: t('productGroup.noneText'), action: create }}
        columns={[
          { key: 'name', title: t('form.name'), sort: 'name', render: (row) => row.name, csv: 'name' },
          {
            key: 'products',
            title: t('productGroup.products'),
            align: 'right',
            render: (row) => <NameLink to={`/products?productGroupId=${row.id}`} name={String(row.productCount)} />,
            csv: 'productCount',
          },
          {
            key: 'tools',
            title: t('productGroup.tools'),
            align: 'right',
            render: (row) => String(row.promoToolCount),
            csv: 'promoToolCount',
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
        <GroupForm group={edited === 'new' ? undefined : edited} onClose={() => setEdited(null)} />
      )}
    </>
  );
}

function GroupForm({
  group,
  onClose,
}: {
  readonly group: ProductGroup | undefined;
  readonly onClose: () => void;
}): ReactElement {
  const { t } = useTranslation();
  const [name, setName] = useState(group?.name ?? '');
  const save = async (key: string): Promise<void> => {
    if (group === undefined) await postPath('/v1/product-groups', { name: name.trim() }, key);
    else
      await patchProductGroupsByProductGroupId({
        path: { productGroupId: group.id },
        body: { name: name.trim() },
        throwOnError: true,
      });
  };
  return (
    <FormDialog
      title={t(group === undefined ? 'productGroup.new' : 'desk.change')}
      submit={t(group === undefined ? 'productGroup.create' : 'desk.save')}
      save={save}
      onClose={onClose}
      remove={
        group === undefined
          ? undefined
          : {
              text: t('desk.delete'),
              run: () =>
                deleteProductGroupsByProductGroupId({ path: { productGroupId: group.id }, throwOnError: true }),
            }
      }
    >
      {(errors) => (
        <TextInput
          label={t('form.name')}
          value={name}
          error={errors['name']}
          required
          onChange={(event) => setName(event.currentTarget.value)}
        />
      )}
    </FormDialog>
  );
}
