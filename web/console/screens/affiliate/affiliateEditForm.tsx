import { Checkbox, NativeSelect, Textarea, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { type ReactElement, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { getGroupsOptions } from '../../../client/@tanstack/react-query.gen.js';
import { patchAffiliatesByAffiliateId } from '../../../client/sdk.gen.js';
import type { Affiliate } from '../../../client/types.gen.js';
import { FormDialog } from '../../../kit/FormDialog.js';
import { countryChoices } from '../../../kit/places.js';
import { useCan } from '../../../kit/session.js';
import { useStaff } from '../access/useStaff.js';

const texts = ['company', 'phone', 'website'] as const;
const nullIfEmpty = (text: string): string | null => (text.trim() === '' ? null : text.trim());
const tagsOf = (text: string): string[] => [
  ...new Set(
    text
      .split(',')
      .map((tag) => tag.trim())
      .filter((tag) => tag !== ''),
  ),
];

/** Details of an affiliate, its group, who looks after it, tags and notes (screens.md 3.4). Only what was changed is sent. */
export function AffiliateEditForm({
  affiliate,
  onClose,
}: {
  readonly affiliate: Affiliate;
  readonly onClose: () => void;
}): ReactElement {
  const { t } = useTranslation();
  const can = useCan();
  const staff = useStaff();
  const groups = useQuery({ ...getGroupsOptions({ query: { limit: 200, sort: 'name' } }), enabled: can('group.read') });
  const [name, setName] = useState(affiliate.name);
  const [email, setEmail] = useState(affiliate.email);
  const [details, setDetails] = useState(
    Object.fromEntries(texts.map((field) => [field, affiliate[field] ?? ''])) as Record<(typeof texts)[number], string>,
  );
  const [country, setCountry] = useState(affiliate.country ?? '');
  const [groupId, setGroupId] = useState(affiliate.groupId ?? '');
  const [managerId, setManagerId] = useState(affiliate.managerId ?? '');
  const [rank, setRank] = useState(affiliate.rank?.toString() ?? '');
  const [tags, setTags] = useState(affiliate.tags.join(', '));
  const [notes, setNotes] = useState(affiliate.notes ?? '');
  const [subIds, setSubIds] = useState(affiliate.subIdAccess);
  const wanted = {
    name: name.trim(),
    email: email.trim(),
    company: nullIfEmpty(details.company),
    phone: nullIfEmpty(details.phone),
    website: nullIfEmpty(details.website),
    country: nullIfEmpty(country),
    groupId: nullIfEmpty(groupId),
    managerId: nullIfEmpty(managerId),
    rank: rank.trim() === '' ? null : Number(rank),
    tags: tagsOf(tags),
    notes: nullIfEmpty(notes),
    subIdAccess: subIds,
  };
  const changed = Object.fromEntries(
    Object.entries(wanted).filter(
      ([field, value]) => JSON.stringify(value) !== JSON.stringify(affiliate[field as keyof typeof wanted]),
    ),
  );
  return (
    <FormDialog
      title={t('affiliate.editTitle', { name: affiliate.name })}
      submit={t('desk.save')}
      save={() =>
        patchAffiliatesByAffiliateId({
          path: { affiliateId: affiliate.id },
          body: changed,
          headers: { 'If-Match': `"${affiliate.version}"` } as never,
          throwOnError: true,
        })
      }
      onClose={onClose}
      isReady={Object.keys(changed).length > 0 && wanted.name !== '' && wanted.email !== ''}
    >
      {(errors) => (
        <>
          <TextInput
            label={t('affiliate.name')}
            value={name}
            error={errors['name']}
            required
            onChange={(event) => setName(event.currentTarget.value)}
          />
          <TextInput
            label={t('affiliate.email')}
            type="email"
            value={email}
            error={errors['email']}
            required
            onChange={(event) => setEmail(event.currentTarget.value)}
          />
          {texts.map((field) => (
            <TextInput
              key={field}
              label={t(`affiliate.${field}`)}
              value={details[field]}
              error={errors[field]}
              onChange={(event) => setDetails({ ...details, [field]: event.currentTarget.value })}
            />
          ))}
          <NativeSelect
            label={t('affiliate.country')}
            value={country}
            error={errors['country']}
            onChange={(event) => setCountry(event.currentTarget.value)}
            data={[...countryChoices(affiliate.country ?? '')]}
          />
          {can('group.read') ? (
            <NativeSelect
              label={t('affiliate.group')}
              value={groupId}
              error={errors['groupId']}
              onChange={(event) => setGroupId(event.currentTarget.value)}
              data={[
                { value: '', label: t('affiliate.noGroup') },
                ...(groups.data?.data ?? []).map((one) => ({ value: one.id, label: one.name })),
              ]}
            />
          ) : null}
          {can('user.read') ? (
            <NativeSelect
              label={t('affiliate.manager')}
              value={managerId}
              error={errors['managerId']}
              onChange={(event) => setManagerId(event.currentTarget.value)}
              data={[{ value: '', label: t('affiliate.noManager') }, ...staff]}
            />
          ) : null}
          <TextInput
            label={t('affiliate.rank')}
            value={rank}
            error={errors['rank']}
            inputMode="numeric"
            onChange={(event) => setRank(event.currentTarget.value.replace(/\D/g, ''))}
          />
          <TextInput
            label={t('referral.tags')}
            description={t('affiliate.tagsHint')}
            value={tags}
            error={Object.entries(errors).find(([field]) => field.startsWith('tags'))?.[1]}
            onChange={(event) => setTags(event.currentTarget.value)}
          />
          <Textarea
            label={t('affiliate.notes')}
            value={notes}
            error={errors['notes']}
            autosize
            onChange={(event) => setNotes(event.currentTarget.value)}
          />
          <Checkbox
            label={t('affiliate.subIdAccess')}
            checked={subIds}
            onChange={(event) => setSubIds(event.currentTarget.checked)}
          />
        </>
      )}
    </FormDialog>
  );
}
