import { Checkbox, Stack, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { type ReactElement, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { getProgramsOptions } from '../../../client/@tanstack/react-query.gen.js';
import type { Affiliate } from '../../../client/types.gen.js';
import { postPath } from '../../../kit/api.js';
import { FormDialog } from '../../../kit/FormDialog.js';

/** A new affiliate by hand; enrolled in the programs ticked, with a link each (api.md 7.1). */
export function AffiliateForm({ onClose }: { readonly onClose: () => void }): ReactElement {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const [name, setName] = useState('');
  const [email, setEmail] = useState('');
  const [company, setCompany] = useState('');
  const [programIds, setProgramIds] = useState<string[]>([]);
  const programs = useQuery(getProgramsOptions({ query: { status: 'active', limit: 200 } }));
  return (
    <FormDialog
      title={t('affiliate.new')}
      submit={t('affiliate.create')}
      save={(key) =>
        postPath<Affiliate>(
          '/v1/affiliates',
          {
            name: name.trim(),
            email: email.trim(),
            programIds,
            ...(company.trim() === '' ? {} : { company: company.trim() }),
          },
          key,
        )
      }
      onSaved={(affiliate) => {
        navigate({ to: `/affiliates/${affiliate.id}` }).catch(() => undefined); // overtaken by another navigation
      }}
      onClose={onClose}
    >
      {(errors) => (
        <>
          <TextInput
            label={t('affiliate.name')}
            value={name}
            onChange={(event) => setName(event.currentTarget.value)}
            error={errors['name']}
            required
          />
          <TextInput
            label={t('affiliate.email')}
            type="email"
            value={email}
            onChange={(event) => setEmail(event.currentTarget.value)}
            error={errors['email']}
            required
          />
          <TextInput
            label={t('affiliate.company')}
            value={company}
            onChange={(event) => setCompany(event.currentTarget.value)}
            error={errors['company']}
          />
          <Checkbox.Group label={t('affiliate.programs')} value={programIds} onChange={setProgramIds}>
            <Stack gap="xs" mt="xs">
              {(programs.data?.data ?? []).map((program) => (
                <Checkbox key={program.id} value={program.id} label={program.name} />
              ))}
            </Stack>
          </Checkbox.Group>
        </>
      )}
    </FormDialog>
  );
}
