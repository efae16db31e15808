/** The options of a choice among things that have a name. */
export function NamedOptions({ of }: { of: readonly { id: string; name: string }[] | undefined }) {
  return of?.map((one) => (
    <option key={one.id} value={one.id}>
      {one.name}
    </option>
  ));
}
