import { Button, Checkbox, Group, Modal, Stack, TextInput } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { type FormEvent, type ReactElement, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { getProgramsOptions } from '../../../client/@tanstack/react-query.gen.js';
import type { Affiliate } from '../../../client/types.gen.js';
import { newKey, postPath } from '../../../kit/api.js';
import { ErrorView } from '../../../kit/ErrorView.js';
import { isProblem } from '../../../kit/problem.js';

/** A new affiliate by hand; enrolled in the programs ticked, with a link each (api.md 7.1). */
export function AffiliateForm({ onClose }: { readonly onClose: () => void }): ReactElement {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const navigate = useNavigate();
  const key = useRef(newKey());
  const [name, setName] = useState('');
  const [email, setEmail] = useState('');
  const [company, setCompany] = useState('');
  const [programIds, setProgramIds] = useState<string[]>([]);
  const programs = useQuery(getProgramsOptions({ query: { status: 'active', limit: 200 } }));
  const create = useMutation({
    mutationFn: () =>
      postPath<Affiliate>(
        '/v1/affiliates',
        {
          name: name.trim(),
          email: email.trim(),
          programIds,
          ...(company.trim() === '' ? {} : { company: company.trim() }),
        },
        key.current,
      ),
    onSuccess: async (affiliate) => {
      await queries.invalidateQueries();
      onClose();
      await navigate({ to: `/affiliates/${affiliate.id}` });
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
    <Modal opened onClose={onClose} title={t('affiliate.new')} closeButtonProps={{ 'aria-label': t('close') }}>
      <form onSubmit={submit}>
        <Stack>
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
          {create.error === null ? null : <ErrorView error={create.error} />}
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>
              {t('cancel')}
            </Button>
            <Button type="submit" loading={create.isPending}>
              {t('affiliate.create')}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
