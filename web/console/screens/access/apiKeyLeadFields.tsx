import { Checkbox, NativeSelect } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { ReactElement } from 'react';
import { useTranslation } from 'react-i18next';
import { getLeadSourcesOptions } from '../../../client/@tanstack/react-query.gen.js';
import { useCan } from '../../../kit/session.js';
import { ContactPicker } from '../tracking/contactPicker.js';

/** What an API user's leads belong to and open (LED-05, LED-10, LED-11), and whose portal login comes with it (LED-13). */
export interface LeadFields {
  readonly leadSourceId: string | null;
  readonly acquisitionModel: 'cpl' | 'cpa' | null;
  readonly openAccount: boolean | null;
  readonly contactId: string | null;
}

export const noLeadFields: LeadFields = {
  leadSourceId: null,
  acquisitionModel: null,
  openAccount: null,
  contactId: null,
};

/** Only what is different from before, so that a field which somebody may not set is left alone. */
export function changedLeadFields(before: LeadFields, after: LeadFields): Partial<LeadFields> {
  const names = Object.keys(after) as (keyof LeadFields)[];
  return Object.fromEntries(names.flatMap((name) => (before[name] === after[name] ? [] : [[name, after[name]]])));
}

export function ApiKeyLeadFields({
  value,
  onChange,
  hasAffiliate,
  errors,
}: {
  readonly value: LeadFields;
  readonly onChange: (value: LeadFields) => void;
  readonly hasAffiliate: boolean;
  readonly errors: Readonly<Record<string, string>>;
}): ReactElement {
  const { t } = useTranslation();
  const can = useCan();
  const sources = useQuery({ ...getLeadSourcesOptions({ query: { limit: 200 } }), enabled: can('lead.read') });
  const isCpl = value.acquisitionModel === 'cpl';
  return (
    <>
      {sources.data === undefined ? null : (
        <NativeSelect
          label={t('apiKey.source')}
          value={value.leadSourceId ?? ''}
          error={errors['leadSourceId']}
          onChange={(event) => onChange({ ...value, leadSourceId: event.currentTarget.value || null })}
          data={[
            { value: '', label: t('apiKey.noSource') },
            ...sources.data.data.map((one) => ({ value: one.id, label: one.name })),
          ]}
        />
      )}
      <NativeSelect
        label={t('apiKey.model')}
        value={value.acquisitionModel ?? ''}
        error={errors['acquisitionModel']}
        onChange={(event) => {
          const model = event.currentTarget.value;
          const acquisitionModel = model === 'cpl' || model === 'cpa' ? model : null;
          onChange({
            ...value,
            acquisitionModel,
            openAccount: acquisitionModel === 'cpl' ? null : value.openAccount,
          });
        }}
        data={[
          { value: '', label: t('apiKey.model.none') },
          { value: 'cpl', label: t('apiKey.model.cpl') },
          { value: 'cpa', label: t('apiKey.model.cpa') },
        ]}
      />
      <Checkbox
        label={t('form.openAccount')}
        description={isCpl ? t('apiKey.openAccountCpl') : t('apiKey.openAccountHint')}
        disabled={isCpl}
        // Nothing said: for CPA the workspace's setting decides, and it is on unless switched off.
        checked={!isCpl && (value.openAccount ?? value.acquisitionModel === 'cpa')}
        error={errors['openAccount']}
        onChange={(event) => onChange({ ...value, openAccount: event.currentTarget.checked })}
      />
      {hasAffiliate && can('contact.read') && can('affiliate.write') ? (
        <ContactPicker
          label={t('apiKey.contact')}
          description={t('apiKey.contactHint')}
          value={value.contactId ?? ''}
          error={errors['contactId']}
          onChange={(contactId) => onChange({ ...value, contactId: contactId === '' ? null : contactId })}
        />
      ) : null}
    </>
  );
}
