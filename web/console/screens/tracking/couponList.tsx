import { Button, Checkbox, Group, NativeSelect, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { type ReactElement, useState } from 'react';
import { useTranslation } from 'react-i18next';
import {
  getAffiliatesOptions,
  getCouponsOptions,
  getProgramsOptions,
} from '../../../client/@tanstack/react-query.gen.js';
import { deleteCouponsByCouponId, patchCouponsByCouponId } from '../../../client/sdk.gen.js';
import type { Coupon } from '../../../client/types.gen.js';
import { postPath } from '../../../kit/api.js';
import { DateText } from '../../../kit/DateText.js';
import { FormDialog } from '../../../kit/FormDialog.js';
import { useKeys } from '../../../kit/keys.js';
import { AffiliateName, ProgramName } from '../../../kit/ObjectName.js';
import { ResourceTable } from '../../../kit/ResourceTable.js';
import { RowMenu } from '../../../kit/RowMenu.js';
import { useCan } from '../../../kit/session.js';
import { PageHead } from '../../../kit/Shell.js';

/** Programs → Coupons: codes that credit without a click (BEY-18). */
export function Screen(): ReactElement {
  const { t } = useTranslation();
  const mayWrite = useCan()('link.write');
  const [edited, setEdited] = useState<Coupon | 'new' | undefined>();
  useKeys({
    c: () => {
      if (mayWrite) setEdited('new');
    },
  });
  const create = mayWrite ? <Button onClick={() => setEdited('new')}>{t('coupon.new')}</Button> : undefined;
  return (
    <>
      <PageHead title={t('coupon.title')} text={t('coupon.text')} actions={create} />
      <ResourceTable<Coupon>
        screen="coupons"
        label={t('coupon.title')}
        hasText
        list={(query) => getCouponsOptions({ query }) as never}
        rowLabel={(row) => row.code}
        rowActions={(row) => (
          <RowMenu
            row={row.code}
            actions={mayWrite ? [{ key: 'edit', text: t('coupon.edit'), onPress: () => setEdited(row) }] : []}
          />
        )}
        empty={{ title: t('coupon.none'), text: t('coupon.noneText'), action: create }}
        filters={[
          {
            field: 'active',
            label: t('coupon.active'),
            options: [
              { value: 'true', label: t('yes') },
              { value: 'false', label: t('no') },
            ],
          },
          { field: 'affiliateId', label: t('commission.filter.affiliateId') },
          { field: 'programId', label: t('commission.filter.programId') },
        ]}
        columns={[
          { key: 'code', title: t('coupon.code'), sort: 'code', render: (row) => row.code, csv: 'code' },
          {
            key: 'affiliate',
            title: t('link.affiliate'),
            render: (row) => <AffiliateName id={row.affiliateId} />,
            csv: 'affiliateId',
          },
          {
            key: 'program',
            title: t('link.program'),
            render: (row) => <ProgramName id={row.programId} />,
            csv: 'programId',
          },
          {
            key: 'from',
            title: t('coupon.validFrom'),
            render: (row) => <DateText value={row.validFrom} />,
            csv: 'validFrom',
          },
          {
            key: 'to',
            title: t('coupon.validTo'),
            render: (row) => <DateText value={row.validTo} />,
            csv: 'validTo',
          },
          {
            key: 'credits',
            title: t('link.credits'),
            render: (row) => t(row.credits ? 'yes' : 'no'),
            csv: 'credits',
          },
        ]}
      />
      {edited === undefined ? null : (
        <CouponForm coupon={edited === 'new' ? undefined : edited} onClose={() => setEdited(undefined)} />
      )}
    </>
  );
}

function localText(instant: string | null | undefined): string {
  if (instant == null) return '';
  const at = new Date(instant);
  return new Date(at.getTime() - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

function instantText(local: string): string | null {
  return local === '' ? null : new Date(local).toISOString();
}

function CouponForm({
  coupon,
  onClose,
}: {
  readonly coupon: Coupon | undefined;
  readonly onClose: () => void;
}): ReactElement {
  const { t } = useTranslation();
  const [code, setCode] = useState(coupon?.code ?? '');
  const [affiliateId, setAffiliateId] = useState(coupon?.affiliateId ?? '');
  const [enrolled, setEnrolled] = useState(coupon?.programId ?? '');
  const [from, setFrom] = useState(localText(coupon?.validFrom));
  const [to, setTo] = useState(localText(coupon?.validTo));
  const [active, setActive] = useState(coupon?.active ?? true);
  const affiliates = useQuery(getAffiliatesOptions({ query: { limit: 200 } }));
  const programs = useQuery(getProgramsOptions({ query: { limit: 200 } }));
  const listed = affiliates.data?.data ?? [];
  const affiliate = listed.find((one) => one.id === affiliateId);
  const programId =
    affiliate?.enrolments.find((one) => one.programId === enrolled)?.programId ?? affiliate?.enrolments[0]?.programId;
  const save = async (key: string): Promise<void> => {
    const body = {
      code: code.trim(),
      affiliateId,
      programId: programId ?? enrolled,
      validFrom: instantText(from),
      validTo: instantText(to),
      active,
    };
    if (coupon === undefined) await postPath('/v1/coupons', body, key);
    else await patchCouponsByCouponId({ path: { couponId: coupon.id }, body, throwOnError: true });
  };
  return (
    <FormDialog
      title={t(coupon === undefined ? 'coupon.new' : 'coupon.edit')}
      submit={t('coupon.save')}
      save={save}
      onClose={onClose}
      isReady={affiliateId !== ''}
      remove={
        coupon === undefined
          ? undefined
          : {
              text: t('coupon.remove'),
              run: () => deleteCouponsByCouponId({ path: { couponId: coupon.id }, throwOnError: true }),
            }
      }
    >
      {(errors) => (
        <>
          <TextInput
            label={t('coupon.code')}
            description={t('coupon.codeHint')}
            value={code}
            error={errors['code']}
            required
            onChange={(event) => setCode(event.currentTarget.value)}
          />
          <NativeSelect
            label={t('link.affiliate')}
            value={affiliateId}
            onChange={(event) => setAffiliateId(event.currentTarget.value)}
            data={[{ value: '', label: '–' }, ...listed.map((one) => ({ value: one.id, label: one.name }))]}
            error={errors['affiliateId']}
            required
          />
          <NativeSelect
            label={t('link.program')}
            value={programId ?? ''}
            onChange={(event) => setEnrolled(event.currentTarget.value)}
            data={(affiliate?.enrolments ?? []).map((one) => ({
              value: one.programId,
              label: programs.data?.data.find((program) => program.id === one.programId)?.name ?? one.programId,
            }))}
            error={errors['programId']}
            required
          />
          <Group grow align="flex-start">
            <TextInput
              label={t('coupon.validFrom')}
              type="datetime-local"
              value={from}
              error={errors['validFrom']}
              onChange={(event) => setFrom(event.currentTarget.value)}
            />
            <TextInput
              label={t('coupon.validTo')}
              type="datetime-local"
              value={to}
              error={errors['validTo']}
              onChange={(event) => setTo(event.currentTarget.value)}
            />
          </Group>
          <Checkbox
            label={t('coupon.active')}
            checked={active}
            onChange={(event) => setActive(event.currentTarget.checked)}
          />
        </>
      )}
    </FormDialog>
  );
}
