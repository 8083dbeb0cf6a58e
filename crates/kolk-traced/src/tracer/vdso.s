# The code that is written over the vDSO; see vdso.rs. Made into bytes by
#   as vdso.s -o vdso.o && objcopy -O binary vdso.o vdso.bin
# r8 holds the address of the page; the placeholder is replaced.
.intel_syntax noprefix
.text
clock_gettime:
 cmp edi, 11
 ja 9f
 movabs r8, 0x1122334455667788
 mov eax, 0x821
 bt eax, edi
 jc 1f
 mov eax, 0xd2
 bt eax, edi
 jnc 9f
 sub qword ptr [r8], 1
 js 9f
 mov rax, [r8+24]
 mov rdx, [r8+32]
 jmp 2f
1: sub qword ptr [r8], 1
 js 9f
 mov rax, [r8+8]
 mov rdx, [r8+16]
2: mov [rsi], rax
 mov [rsi+8], rdx
 xor eax, eax
 ret
9: mov eax, 228
 syscall
 ret

.balign 16, 0xcc
gettimeofday:
 movabs r8, 0x1122334455667788
 sub qword ptr [r8], 1
 js 9f
 test rdi, rdi
 jz 1f
 mov rax, [r8+8]
 mov [rdi], rax
 mov rax, [r8+40]
 mov [rdi+8], rax
1: test rsi, rsi
 jz 2f
 mov qword ptr [rsi], 0
2: xor eax, eax
 ret
9: mov eax, 96
 syscall
 ret

.balign 16, 0xcc
time:
 movabs r8, 0x1122334455667788
 sub qword ptr [r8], 1
 js 9f
 mov rax, [r8+8]
 test rdi, rdi
 jz 1f
 mov [rdi], rax
1: ret
9: mov eax, 201
 syscall
 ret

.balign 16, 0xcc
getcpu:
 xor eax, eax
 test rdi, rdi
 jz 1f
 mov [rdi], eax
1: test rsi, rsi
 jz 2f
 mov [rsi], eax
2: ret

.balign 16, 0xcc
getrandom:
 mov rax, -38
 ret

.balign 16, 0xcc
syscall_only:
 syscall
 int3

.balign 16, 0xcc
