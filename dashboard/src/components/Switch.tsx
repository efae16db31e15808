interface Props {
  label: string;
  isOn: boolean;
  onChange: (isOn: boolean) => void;
  isDisabled?: boolean;
}

export function Switch({ label, isOn, onChange, isDisabled = false }: Props) {
  return (
    <button
      type="button"
      role="switch"
      aria-checked={isOn}
      aria-label={label}
      title={label}
      disabled={isDisabled}
      onClick={() => onChange(!isOn)}
      className="inline-flex h-7 w-10 shrink-0 items-center rounded-full p-0.5 disabled:opacity-60"
    >
      <span aria-hidden className={`flex h-5 w-9 items-center rounded-full border px-0.5 ${isOn ? "justify-end border-succeeded bg-succeeded" : "border-strong-line bg-hover"}`}>
        <span className={`size-3.5 rounded-full ${isOn ? "bg-bg" : "bg-strong-line"}`} />
      </span>
    </button>
  );
}
