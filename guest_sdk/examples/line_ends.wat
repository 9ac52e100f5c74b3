;; A module by hand (ABI version 1): how many line ends the input has. One function, no arguments.
(module
  (import "rlm" "context_len" (func $context_len (result i64)))
  (import "rlm" "context_read" (func $context_read (param $offset i64) (param $length i32) (param $destination i32) (result i32)))
  (import "rlm" "emit" (func $emit (param $address i32) (param $length i32)))

  ;; [0, 32): the result in digits. From 64 on: what was read last. From 65,536 on: the request.
  (memory (export "memory") 2)

  (func (export "rlm_abi_version") (result i32) (i32.const 1))

  ;; The request is not looked at; one of up to 64 KiB has room.
  (func (export "alloc") (param $length i32) (result i32)
    (if (i32.gt_u (local.get $length) (i32.const 65536)) (then (unreachable)))
    (i32.const 65536))

  (func (export "run") (param $request i32) (param $length i32) (result i32)
    (local $offset i64) (local $count i64) (local $place i32) (local $end i32)
    (block $done
      (loop $pieces
        (br_if $done (i64.ge_u (local.get $offset) (call $context_len)))
        (local.set $place (i32.const 64))
        (local.set $end (i32.add (i32.const 64) (call $context_read (local.get $offset) (i32.const 65472) (i32.const 64))))
        (local.set $offset (i64.add (local.get $offset) (i64.extend_i32_u (i32.sub (local.get $end) (i32.const 64)))))
        (block $read
          (loop $bytes
            (br_if $read (i32.ge_u (local.get $place) (local.get $end)))
            (local.set $count (i64.add (local.get $count)
              (i64.extend_i32_u (i32.eq (i32.load8_u (local.get $place)) (i32.const 10)))))
            (local.set $place (i32.add (local.get $place) (i32.const 1)))
            (br $bytes)))
        (br $pieces)))
    (call $emit_number (local.get $count))
    (i32.const 0))

  ;; Writes the digits from the last to the first.
  (func $emit_number (param $number i64)
    (local $place i32)
    (local.set $place (i32.const 32))
    (loop $digits
      (local.set $place (i32.sub (local.get $place) (i32.const 1)))
      (i32.store8 (local.get $place)
        (i32.wrap_i64 (i64.add (i64.const 48) (i64.rem_u (local.get $number) (i64.const 10)))))
      (local.set $number (i64.div_u (local.get $number) (i64.const 10)))
      (br_if $digits (i64.ne (local.get $number) (i64.const 0))))
    (call $emit (local.get $place) (i32.sub (i32.const 32) (local.get $place)))))
